"""Decode a raw video file from first to last frame, and tell what is missing or damaged in it."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from util.errors import UserError
from util.stamps import Stamps

# Formats whose header tells the duration: that of others is computed from what is there, cut off or not.
TELL_DURATION = ("asf", "flv", "matroska", "mov", "mxf")
DURATION_SLACK = 0.5  # seconds by which it may be off
FRAME_A_PACKET = ("av1", "h264", "hevc", "mpeg1video", "mpeg2video")  # codecs; but for fields that come one by one
TS_PACKETS = (188, 192, 204)  # bytes: a transport stream consists of nothing else
EVEN_FORMATS = ("mpeg", "mpegts")  # those of broadcasts and camcorders, where a gap is a loss that left no other trace
LONGEST_LOSS = 1  # seconds; a longer gap is one between recordings that were joined
HIGHEST_RATE = 300  # frames per second; what is above is the clock of a file that tells no rate
LONGEST_PAUSE = 60  # seconds between frames; a longer one is a break in the time stamps
LONGEST_TURN = 1  # seconds back, likewise

# FFmpeg prints nothing here. What its readers of containers complain of is listened to; see Decoder.
av.logging.set_level(av.logging.ERROR)
av.logging.set_skip_repeated(False)  # the same may be wrong with the next file
FFMPEG_LOG = logging.getLogger("libav")
FFMPEG_LOG.addHandler(logging.NullHandler())
FFMPEG_LOG.propagate = False


@dataclass(frozen=True)
class Faults:
    """What is wrong with a video that decodes."""

    missing: int = 0  # frames that the file announces, or has packets of, and that could not be decoded
    damaged: int = 0  # frames with errors in the picture
    trouble: str = ""  # what is wrong with the file around them

    def __bool__(self) -> bool:
        return bool(self.missing or self.damaged or self.trouble)

    def __str__(self) -> str:
        counts = ((self.missing, "missing"), (self.damaged, "damaged"))
        counted = [f"{count} frame{'s are' if count > 1 else ' is'} {what}" for count, what in counts if count]
        return ", ".join(counted + [self.trouble] * bool(self.trouble))


class Decoder:
    """Decodes a video once, and counts what goes in and what comes out.

        with Decoder(path) as decoder:
            for at, frame in decoder: ...  # seconds since the container's start, strictly rising, and frame
            decoder.faults()

    Attributes:
        fps: frames per second that the file announces.
        announced_frames: as counted in the file or computed from its duration; 0 where it tells neither.
        aspect: width of a stored pixel by its height.
        start: seconds from the container's start to the video's first frame, once that is there.
        lost_start: frames at the start that cannot be decoded, for lack of a key frame before them.
        begun_with: after `seek`, the packet of the key frame that was found.
    """

    begun_with: av.Packet

    def __init__(self, path: Path, threads: int = 0) -> None:
        """
        Args:
            threads: cores to decode on; 0 for all.

        Raises:
            UserError: it is no video, or tells no frame rate.
        """
        self.path, self._complaints = path, _Complaints()
        self.container, self.stream = open_video(path)
        codec = self.stream.codec_context
        # threads by frame: by slice, some decoders do not tell of damage; one more, as some wait for others
        codec.thread_type, codec.thread_count = "FRAME", threads + (threads > 1)
        # so that what is reported as information comes as an error: of the frames that a thread had to fill up, not all
        # are marked as damaged
        codec.options = {"log_level_offset": str(av.logging.ERROR - av.logging.INFO)}
        self._format, self._bytes = self.container.format.name, self.container.size
        self.fps = _frame_rate(self.stream, path)
        aspect = self.stream.sample_aspect_ratio or Fraction(1)
        self.aspect = aspect if 0.2 < aspect < 5 and abs(aspect - 1) > 0.01 else Fraction(1)
        self._tally = _Tally(self.container, self.stream, self.fps)
        self.announced_frames = self._tally.announced
        self.time_base = self.stream.time_base  # seconds, of its stamps; the stream forgets it once it is closed
        self._unit = float(self.time_base)
        self._stamps = array("d")  # seconds, of each frame given
        self._zero: float | None = None  # the stamp that counts as 0, in seconds of the file
        self.start, self._duration = 0.0, 0.0  # seconds; the second of the last frame given, where the file tells it
        self._size: tuple[int, int] | None = None
        self._sought, self._trouble = False, ""

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        FFMPEG_LOG.removeHandler(self._complaints)
        self.stream.codec_context.flush_buffers()  # its threads must be idle when it is taken down
        self.container.close()

    def seek(self, time: int, zero: float, start: float) -> None:
        """Begin at a key frame, the last at or before a time if the file lets it be found.

        Args:
            time: in order of decoding, in units of the stream.
            zero: seconds of the file that count as 0.
            start: of the video's first frame.
        """
        self.container.seek(time, stream=self.stream)
        self._zero, self.start, self._sought = zero, start, True

    def __iter__(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """
        Raises:
            UserError: the frames change in size.
        """
        for packet in self._packets():
            try:
                frames = self.stream.codec_context.decode(packet)
            except av.FFmpegError:
                self._tally.errors += 1
                continue
            for frame in frames:
                if not self._tally.count_frame(frame) or not self._sought:  # else it needs what is before the key frame
                    self._check_size(frame)
                    yield self._time(frame), frame

    def stamps(self) -> Stamps:
        """Those of the frames that were given."""
        lasts = self._duration if 0 < self._duration <= LONGEST_PAUSE else 1 / self.fps
        return Stamps(np.array(self._stamps), self._stamps[-1] + lasts)

    @property
    def decoded_frames(self) -> int:
        return len(self._stamps)

    @property
    def lost_start(self) -> int:
        return len(self._tally.early)

    def faults(self) -> Faults:
        """What is wrong with what was read; of the end, only if it was read to its end."""
        tally, trouble = self._tally, self._trouble
        if not trouble and (message := self._complaints.first.get(f"libav.{self._format}")):
            trouble = f"its file is broken ({message})"
        if not trouble and tally.at_end and tally.kind == "mpegts" and all(self._bytes % size for size in TS_PACKETS):
            trouble = "it ends within a packet"
        damaged = max(tally.damaged, len(tally.broken) - max(0, tally.due - tally.given))
        if not self._sought:  # there, what is left out is filled up as well
            damaged = max(damaged, self._complaints.concealed)
        longest = np.inf if trouble or damaged else LONGEST_LOSS if tally.kind in EVEN_FORMATS else 0
        missing = max(tally.missing(0 if trouble else DURATION_SLACK), _left_out(np.array(self._stamps), longest))
        return Faults(missing, damaged, trouble)

    def even_rate(self) -> float | None:
        """Frames per second by the time stamps of a whole video; None where they come at no even rate."""
        return self.stamps().even_rate(self.fps)

    def _packets(self) -> Iterator[av.Packet | None]:
        """The packets to decode, and None at the end of the file."""
        try:
            for packet in self.container.demux():
                if packet.dts is None and not packet.size:  # each stream has such a one at its end
                    continue
                mine = packet.stream_index == self.stream.index
                self._tally.count_end(packet, mine)
                before_key = self._sought and not self._tally.keys
                if not mine or (before_key and not packet.is_keyframe):
                    continue
                if before_key:
                    self.begun_with, dts = packet, packet.pts if packet.dts is None else packet.dts
                    # those that an index lists before it
                    self._tally.packets = max(0, self.stream.index_entries.search_timestamp(dts, any_frame=True))
                self._tally.count_packet(packet)
                if packet.size:
                    yield packet
        except av.FFmpegError as error:
            self._trouble = f"it cannot be read to its end ({error.strerror})"
        self._tally.at_end = True
        yield None

    def _time(self, frame: av.VideoFrame) -> float:
        """Seconds since the container's start; a stamp that is missing, turns back or leaps is replaced."""
        next_at = self._stamps[-1] + 1 / self.fps if self._stamps else 0.0
        avi = self._tally.kind == "avi"  # which knows only the order of decoding
        stamp = frame.dts if avi else frame.pts
        if self._zero is None and stamp is not None:
            self._zero = stamp * self._unit - next_at
            begins = self.container.start_time  # where the earliest of its streams, such as the sound, does
            if not self._stamps and begins is not None:
                later = (self._tally.first_dts if avi else stamp) * self._unit - begins / av.time_base
                self._zero -= max(0.0, later)
        at = next_at if stamp is None else stamp * self._unit - self._zero
        if self._stamps:
            step = at - self._stamps[-1]
            if step > LONGEST_PAUSE or step < -LONGEST_TURN:
                self._zero += at - next_at
            if not 0 < step <= LONGEST_PAUSE:
                at = next_at
        if not self._stamps and not self._sought:
            self.start = at
        self._stamps.append(at)
        self._duration = (frame.duration or 0) * self._unit
        return at

    def _check_size(self, frame: av.VideoFrame) -> None:
        self._size = before = self._size or (frame.width, frame.height)
        if before != (frame.width, frame.height):
            raise UserError(f"{self.path}: its frames change in size, from {before[0]}x{before[1]} to "
                            f"{frame.width}x{frame.height}, {self._stamps[-1]:.2f} s after its start; cut it there")


class _Complaints(logging.Handler):
    """Listens to what FFmpeg logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.first: dict[str, str] = {}  # message of each part of FFmpeg
        self.concealed = 0  # frames that a decoder had to fill up
        FFMPEG_LOG.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self.first.setdefault(record.name, message)
        self.concealed += message.startswith("concealing ")


class _Tally:
    """Counts packets and frames of a video."""

    def __init__(self, container: Any, stream: av.VideoStream, fps: float) -> None:
        self.fps, self.counted = fps, stream.frames
        self.codec, self.kind = stream.codec_context.codec.canonical_name, container.format.name.partition(",")[0]
        self.duration = (container.duration or 0) / av.time_base  # seconds
        of_stream = self.duration if stream.duration is None else float(stream.duration * stream.time_base)
        self.announced = stream.frames or max(0, round(of_stream * fps))
        # what an edit list cuts off, or a recorder dropped, is not in the index, but counted in the header
        self.indexed = len(stream.index_entries) if self.kind in ("avi", "mov") and stream.frames else 0
        if self.kind == "mov" and stream.frames:
            self.announced = sum(not entry.is_discard for entry in stream.index_entries)
        self.due = self.given = 0  # frames of packets from the first key frame on; those of them that came
        self.early: list[int | None] = []  # `pts` of packets before it, or shown before it, whose frames did not come
        self.packets = self.errors = self.damaged = 0  # packets; those that the decoder refused; frames
        self.broken: list[int] = []  # packets, by number, that came with errors
        self.first_dts = self.last_dts = None  # int, of packets
        self.fields = self.at_end = False
        self.keys = 0  # packets of key frames
        self.key_pts: int | None = None
        self.video_end = self.end = 0.0  # seconds: where the last packet ends, of the video and of all streams

    def count_end(self, packet: av.Packet, mine: bool) -> None:
        if packet.pts is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self.end = max(self.end, end)
            if mine:
                self.video_end = max(self.video_end, end)

    def count_packet(self, packet: av.Packet) -> None:
        self.packets += 1
        if packet.is_corrupt:
            self.broken.append(self.packets)
        if packet.dts is not None:
            if self.last_dts is not None and (packet.dts - self.last_dts) * packet.time_base < -LONGEST_TURN:
                # two files were joined here: it only looks as if packets had been lost
                self.broken = [number for number in self.broken if number < self.packets - 3]
            self.last_dts = packet.dts
            self.first_dts = packet.dts if self.first_dts is None else self.first_dts
        if packet.is_keyframe:
            self.keys += 1
            self.key_pts = packet.pts if self.keys == 1 else self.key_pts
        if packet.size and not packet.is_discard:
            shown_before = self.keys == 1 and None not in (packet.pts, self.key_pts) and packet.pts < self.key_pts
            if not self.keys or shown_before:
                self.early.append(packet.pts)
            else:
                self.due += 1

    def count_frame(self, frame: av.VideoFrame) -> bool:
        """Whether it is one of those before the first key frame."""
        self.damaged += frame.is_corrupt
        self.fields |= frame.interlaced_frame
        early = frame.pts in self.early
        if early:
            self.early.remove(frame.pts)
        self.given += not early
        return early

    def missing(self, slack: float) -> int:
        """Frames that did not come, but for `slack` seconds at the end where only a duration is known."""
        if not self.at_end:  # the last packets are still on their way
            return self.errors
        inside = self.due - self.given if self.codec in FRAME_A_PACKET and not self.fields else self.errors
        gap = self.duration - self.end if self.kind in TELL_DURATION else 0
        later = self.indexed - self.packets if self.indexed else round(gap * self.fps) if gap > slack else 0
        if self.kind == "avi":  # whose index stands at its end
            later = max(self.indexed - self.packets, self.counted - round(self.video_end * self.fps))
        return max(0, inside) + max(0, later)


def _left_out(stamps: np.ndarray, longest: float) -> int:
    """Frames that fail between time stamps of an otherwise even rate, in gaps of up to `longest` seconds."""
    steps = np.diff(stamps)
    if not len(steps):
        return 0
    gaps = np.rint(steps / np.median(steps)) - 1
    return int(gaps[steps <= longest].sum()) if np.mean(gaps == 0) > 0.9 else 0


def open_video(path: Path) -> tuple[Any, av.VideoStream]:
    try:
        # as a file even if its name looks like an address
        container = av.open(f"file:{path}", metadata_errors="replace")
    except av.FFmpegError as error:
        reason = error.log[2].strip() if error.log else error.strerror
        if path.is_file() and not path.stat().st_size:
            reason = "it is empty"
        raise UserError(f"{path}: cannot be opened as a video ({reason}); it is damaged, cut off, or something "
                        "else") from error
    videos = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not videos:
        raise UserError(f"{path}: holds no video; take it out of the folder of videos")
    if videos[0].codec_context is None:
        raise UserError(f"{path}: holds video of a kind that FFmpeg cannot decode; convert it")
    return container, videos[0]


def count_packets(path: Path) -> int:
    """Packets of a video, which are about its frames, by reading it through; a UserError where it is none."""
    container, stream = open_video(path)
    with container:
        return sum(bool(packet.size) for packet in container.demux(stream))


def nothing_decoded(path: Path) -> UserError:
    return UserError(f"{path}: not one frame can be decoded; it is damaged, or of a kind that FFmpeg cannot decode")


def _frame_rate(stream: av.VideoStream, path: Path) -> float:
    """Frames per second by the header, or by the first packets where it does not tell."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0 < rate <= HIGHEST_RATE:
            return float(rate)
    container, stream = open_video(path)
    with container:
        stamps = list(islice((packet.pts for packet in container.demux(stream) if packet.pts is not None), 300))
        span = float((max(stamps, default=0) - min(stamps, default=0)) * stream.time_base)
    if not 0 < (len(stamps) - 1) / (span or 1) <= HIGHEST_RATE:
        raise UserError(f"{path}: tells no frame rate; write it again with one, such as by ffmpeg -r 30")
    return (len(stamps) - 1) / span
