"""Labels that leave the page: those of a video as a file for another tool, or of all videos in one archive."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from dataset.video_record import source_stamps, timecode_rate
from label_forms.exports import EXPORTS, Export, ExportedVideo, check_exports
from spotting.event_files import write_csv
from util.errors import UserError
from viewer.store import LabelStore, plain_event
from viewer.viewed_videos import ViewedVideo

FORMS = {"csv": Export(".csv", lambda path, video: write_csv(path, video.events)), **EXPORTS}


def export_video(store: LabelStore, index: int, form: str) -> tuple[str, bytes]:
    """The labels of a video as they are now: the name of a file below a folder of labels, and what is in it.

    Raises:
        UserError: nothing tells the times of the video, or a package is missing that the form needs.
    """
    video = store.videos[index]
    exported = _exported(video, store, index)
    check_exports([form])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"labels{FORMS[form].suffix}"
        FORMS[form].write(path, exported)
        return f"{video.name}{FORMS[form].suffix}", path.read_bytes()


def export_all(store: LabelStore, form: str) -> bytes:
    """A zip archive with a file for each video that has events or was labelled without.

    Raises:
        UserError: no video is labelled, or see `export_video`.
    """
    labelled = [index for index, state in enumerate(store.states()) if state.source != "none"]
    if not labelled:
        raise UserError("no video has labels yet, so that there is nothing to export; label one first")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        for index in labelled:
            files.writestr(*export_video(store, index, form))
    return archive.getvalue()


def _exported(video: ViewedVideo, store: LabelStore, index: int) -> ExportedVideo:
    if video.stamps is None:
        raise UserError(f"{video.name}: its frames per second are not known, so that nothing tells when its events "
                        "are; extract its frames with prepare_data.py, which keeps their times")
    counted = source_stamps(video.record) if video.record else video.stamps
    events = []
    for event in map(plain_event, store.read(index).events):
        if not isinstance(event.get("team") or "", str):
            event["team"] = json.dumps(event["team"])
        seconds = video.stamps.time_of(event["frame"])
        near = max(0, counted.frame_at(seconds))  # of the video file: the first that is shown as the extracted frame
        at = next((frame for frame in (near, near + 1) if frame < len(counted)
                   and video.stamps.frame_at(counted.time_of(frame)) == event["frame"]), None)
        events.append(event | ({"seconds": seconds} if at is None else
                               {"frame": at, "seconds": counted.time_of(at)}))
    named = (video.record or {}).get("source")
    file = (PurePosixPath(video.name).parent / named).as_posix() if named else video.name
    rate = timecode_rate(video.record) if video.record else video.fps
    return ExportedVideo(video.name, file, rate, events, store.classes, end=video.stamps.end)
