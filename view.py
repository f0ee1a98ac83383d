"""Look at predictions, labels and frames in a browser, and correct labels: a local web page.

    python view.py out ./Frames -s test                 a model on a split
    python view.py out_a out_b ./Frames -s test         two models side by side
    python view.py out_a ./Frames -s test --with out_b  beside it the mean of both models' scores
    python view.py ./Videos --label mine --classes PASS DRIVE
                                                        label videos, straight from their files
    python view.py found/ --label mine --videos ./Videos
                                                        the same, with the events that spot_video.py found as proposals
    python view.py out ./Frames -s test --videos ./Videos
                                                        pictures from the video files, which show more than the frames

Labels are written to ./Labels, as prepare_data.py --labels reads them. Editing begins with what stands there, or else
with the events of the split.
"""

from __future__ import annotations

from util.script import run_script

import argparse
import errno
import socket
import threading
import webbrowser
from functools import partial
from http.server import HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from dataset.labels import SPLITS, dataset_dir, read_classes, read_split
from dataset.video_record import frame_name
from util.config import trained_on
from util.ensemble import add_ensemble_options
from util.errors import UserError, number_of
from util.events import Video
from util.io import write_text
from util.options import whole
from viewer.models import proposed_classes, read_proposals, read_split_models
from viewer.server import Session, create_app
from viewer.viewed_videos import Places, found_videos, holds_frames, holds_videos, split_videos

PORT = 8765
PORTS_TRIED = 20  # from there on, where no port was asked for


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        usage="view.py [MODEL_DIR_or_FILE ...] [FRAME_DIR] (-s SPLIT | --label DATASET) [--videos DIR] [options]",
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", type=Path, nargs="*", metavar="MODEL_DIR_or_FILE, FRAME_DIR",
                        help="model folders, or prediction files, and last the folder of extracted frames or of videos")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-s", "--split", help="split of the dataset to look at: train, val, test, ...")
    what.add_argument("--label", metavar="DATASET", help="label all videos that are there for this dataset, which may "
                                                         "be new; files of predictions, if given, are proposals")
    parser.add_argument("--videos", type=Path, metavar="DIR",
                        help="folder of the video files, at any depth: pictures are theirs, at up to 1080 lines, where "
                             "a video is there, and no frames need be extracted; numbers stay those of FRAME_DIR's "
                             "frames")
    add_ensemble_options(parser, "MODEL_DIR_or_SCORE_FILE")
    parser.add_argument("-d", "--dataset", help="with -s: another dataset than the one in config.json")
    parser.add_argument("--classes", nargs="+", metavar="NAME",
                        help="with --label: the classes of a new dataset, in the order of their keys 1, 2, ... "
                             "(default: those of the model that proposes)")
    parser.add_argument("--labels", type=Path, default=Path("Labels"), metavar="DIR",
                        help="folder of the <video>.json that are edited (default: ./Labels)")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS",
                        help="address to listen on (default: 127.0.0.1, which other machines cannot reach; there is no "
                             "password)")
    parser.add_argument("--port", type=whole(1, 65535), help=f"default: {PORT}, or the next that is free")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    args = parser.parse_args()
    if args.label is not None and args.dataset is not None:
        parser.error("-d goes with -s; --label names the dataset itself")
    if not args.folders and args.videos is None:
        parser.error("name a folder of extracted frames, or one of videos")
    if args.others and (args.split is None or len(args.folders) + bool(args.videos) < 2):
        parser.error("--with goes with -s and a model, whose scores are averaged with those of others")
    if args.ensemble_weights and not args.others:
        parser.error("--ensemble_weights goes with --with")
    if args.split is not None and args.classes is not None:
        parser.error("--classes goes with --label; a split has the classes of its dataset")
    return args


def open_session(args: argparse.Namespace) -> Session:
    """What the command line asks to look at.

    Raises:
        UserError: predictions, frames or labels are not there, or do not fit each other.
    """
    models, places = find_places(args)
    return open_split(models, places, args) if args.split else open_labelling(models, places, args)


def find_places(args: argparse.Namespace) -> tuple[list[Path], Places]:
    """The models or files of predictions, and where pictures are: the last folder is of frames, or of videos."""
    *models, last = args.folders or [None]
    frames = last and (not last.exists() or holds_frames(last) or (last / frame_name(0)).exists())
    if args.videos or frames or last is None:
        return models if frames else args.folders, Places(last if frames else None, args.videos, args.labels)
    if last.is_dir() and holds_videos(last):
        return models, Places(None, last, args.labels)
    return models, Places(last, None, args.labels)


def open_split(models: list[Path], places: Places, args: argparse.Namespace) -> Session:
    """Models, if any, on a split."""
    dataset = args.dataset or dataset_of(models, places.frame_dir or places.videos_dir)
    classes = read_classes(dataset)
    entries = read_split(dataset, args.split)
    found = read_split_models(models, args.split, entries, classes, partial(read_split, dataset), args.others,
                              args.ensemble_weights)
    videos = split_videos(places, entries, args.split)
    return Session(dataset, args.split, classes, videos, found, args.labels, places)


def dataset_of(models: list[Path], given: Path) -> str:
    """The dataset that all the models were trained on."""
    if not models:
        raise UserError(f"{given}: is the only folder given; put model folders before it, or name a dataset, -d")
    datasets = {path: trained_on(path) for path in models}
    if len(set(datasets.values())) > 1:
        named = ", ".join(f"{path}: {name}" for path, name in datasets.items())
        raise UserError(f"the models were trained on different datasets ({named}); name the one to look at with -d")
    return datasets[models[0]]


def open_labelling(proposals: list[Path], places: Places, args: argparse.Namespace) -> Session:
    """All videos with pictures, whether or not anything is known of them."""
    classes = classes_of(args.label, args.classes, proposals)
    entries: dict[str, tuple[str, Video]] = {}
    for split in SPLITS:
        if (dataset_dir(args.label) / f"{split}.json").is_file():
            for entry in read_split(args.label, split):
                entries.setdefault(entry["video"], (split, entry))
    videos = found_videos(places, entries)
    found = read_proposals(proposals, videos, classes)
    return Session(args.label, None, classes, videos, found, args.labels, places)


def classes_of(dataset: str, given: list[str] | None, proposals: list[Path]) -> list[str]:
    """The classes of a dataset; of a new one those that are given, or those of the model that proposes."""
    path = dataset_dir(dataset) / "class.txt"
    if path.exists():
        classes = read_classes(dataset)
        if given and given != classes:
            raise UserError(f"{path}: has the classes {', '.join(classes)}; leave --classes away, or change them there")
        return classes
    given = given or proposed_classes(proposals)
    if not given:
        raise UserError(f"{path}: no such file; name the classes of a new dataset, such as --classes PASS DRIVE")
    names = [name.strip() for name in given]
    if len(set(names)) < len(names) or not all(name and name.isprintable() for name in names):
        raise UserError(f"--classes {' '.join(given)}: must be names on one line, each once; correct them")
    return names


def write_classes(session: Session) -> None:
    """Keep the classes of a new dataset, for the next time and for prepare_data.py."""
    path = dataset_dir(session.dataset) / "class.txt"
    if not path.exists():
        write_text(path, "".join(f"{name}\n" for name in session.classes))
        print(f"{path}: written")


def describe(session: Session) -> None:
    events = sum(len(video.truth) for video in session.videos)
    what = f"split {session.split}" if session.split else "labelling"
    print(f"{session.dataset}, {what}: {number_of(len(session.videos), 'video')}, {number_of(events, 'event')}; "
          f"labels: {session.labels_dir}")
    for model in session.models:
        print(f"{model.name} ({model.path}): {model.rule}")
    if missing := [video for video in session.videos if not video.has_frames]:
        print(f"warning: {missing[0].folder}: no frames"
              + (f", nor of {number_of(len(missing) - 1, 'other video')}" if len(missing) > 1 else "")
              + "; extract them with prepare_data.py, or give --videos")


class RequestHandler(WSGIRequestHandler):
    """Prints no line for each request, as a frame is one; what is no request is refused in one line."""

    error_content_type = "text/plain"
    error_message_format = "%(code)d %(message)s\n"

    def log_request(self, *_: object) -> None:
        pass

    def run_wsgi(self) -> None:
        try:
            urlsplit(self.path)
        except ValueError:  # http://[
            self.send_error(400, "Malformed address")
        else:
            super().run_wsgi()


def listen(session: Session, host: str, port: int | None) -> BaseWSGIServer:
    """A server on the port asked for, or on the first from PORT on that is free."""
    app = create_app(session, host)
    for candidate in [port] if port else range(PORT, PORT + PORTS_TRIED):
        if is_free(host, candidate):
            return make_server(host, candidate, app, threaded=True, request_handler=RequestHandler)
    if port:
        raise UserError(f"port {port} of {host} is taken; end what runs there, or choose another with --port")
    raise UserError(f"ports {PORT} to {PORT + PORTS_TRIED - 1} of {host} are taken; choose another with --port")


def is_free(host: str, port: int) -> bool:
    """Whether a server can listen there.

    Raises:
        UserError: the host is no address of this machine, or the port is not for everybody.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        socket.create_server(address, family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise UserError(f"cannot listen on {host}, port {port} ({error.strerror or error}); choose another --host or "
                        "--port") from error
    return True


def main() -> None:
    args = parse_args()
    session = open_session(args)
    server = listen(session, args.host, args.port)
    if args.label:
        write_classes(session)
    describe(session)
    name = f"[{args.host}]" if ":" in args.host else args.host
    address = f"http://{name}:{server.port}/"
    print(f"\n{address}\n\nCtrl-C ends it.", flush=True)
    if args.open:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    with server:
        HTTPServer.serve_forever(server)  # until Ctrl-C, which werkzeug's own would take for no stop but a usual end


if __name__ == "__main__":
    run_script(main)
