"""The routes of the page: what is looked at, numbers, frames, score curves, labels."""

from __future__ import annotations

from argparse import ArgumentTypeError
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, jsonify, request, send_file
from werkzeug.exceptions import HTTPException

from evaluation.choosing import DEFAULT_THRESHOLD
from evaluation.pairing import TOLERANCES
from evaluation.suppression import NMS, NMS_WINDOW, SOFT_NMS_WINDOW, Suppression
from plots.style import class_colour
from util.entries import labelled_frames
from util.errors import UserError
from util.io import parse_json
from util.matches import matches_of
from util.spans import MOST_FRAMES, parse_span, plain_span
from util.stamps import MICROSECOND
from viewer.leaving import FORMS, export_all, export_video
from viewer.models import Model
from viewer.results import Case, Results, Settings
from viewer.security import secure
from viewer.store import LabelStore, Stale, check_page_labels, known_fields
from viewer.training import too_few, training_commands, unwritten, write_files
from viewer.viewed_videos import Places, ViewedVideo
from viewer.what_next import suggest

if TYPE_CHECKING:
    from viewer.video_pictures import Pictures

STATIC = Path(__file__).resolve().parent / "static"
TOLERANCE = 2  # frames; where the slider stands at first
MOST_LINES = 1080  # of a picture from a video file; a higher video is shrunk
YEAR = 365 * 24 * 3600  # seconds


@dataclass(frozen=True)
class Session:
    """What one start of view.py shows."""

    dataset: str
    split: str | None  # None: the videos are those with frames, to be labelled
    classes: list[str]
    videos: list[ViewedVideo]
    models: list[Model]
    labels_dir: Path
    places: Places


def create_app(session: Session, host: str) -> Flask:
    """The page's server.

    Args:
        host: the address that it will listen on.

    Raises:
        UserError: a label file of the videos is not what it must be.
    """
    app = Flask(__name__, static_folder=str(STATIC))
    app.json.sort_keys = False
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0  # scripts of a newer version are taken at once
    store = LabelStore(session.labels_dir, session.videos, session.classes)
    store.states()  # which says now what is wrong with them
    results = Results(session.videos, session.classes, session.models, store, all_counts=session.split is None)
    pictures = _open_pictures(session)
    secure(app, host)
    _check_addresses(app, session)
    _add_errors(app)
    _add_overview(app, session, store, results)
    _add_video(app, session, results)
    _add_frames(app, session, pictures)
    _add_labels(app, session, store)
    _add_help(app, session, store)
    _add_leaving(app, session, store)
    return app


def _check_addresses(app: Flask, session: Session) -> None:
    """Refuse addresses that name a video, model or form that there is not."""
    known = {"video": range(len(session.videos)), "model": range(len(session.models)), "form": FORMS}

    @app.before_request
    def check() -> None:
        for key, named in (request.view_args or {}).items():
            if key in known and named not in known[key]:
                abort(404, f"no such {key}")


def _add_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.description), error.code or 500

    @app.errorhandler(UserError)
    def mistaken(error: UserError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 422

    @app.errorhandler(OSError)
    def failed(error: OSError) -> tuple[Response, int]:  # a file that cannot be read just now
        return jsonify(error=f"{error.filename or 'file system'}: {error.strerror or error}"), 500


def _add_overview(app: Flask, session: Session, store: LabelStore, results: Results) -> None:
    @app.get("/")
    def page() -> Response:
        return send_file(STATIC / "index.html", max_age=0)

    @app.get("/api/session")
    def send_session() -> Response:
        return jsonify(
            dataset=session.dataset,
            name=Path(session.dataset).name,
            split=session.split,
            classes=[{"name": name, "colour": class_colour(i)} for i, name in enumerate(session.classes)],
            videos=[_describe(video) for video in session.videos],
            models=[_describe_model(model, session.videos) for model in session.models],
            labels_dir=str(session.labels_dir),
            exports={name: form.suffix for name, form in FORMS.items()},
            defaults=_defaults(session),
            tolerances=TOLERANCES,
        )

    @app.get("/api/overview")
    def send_overview() -> Response:
        return jsonify(results.overview(_settings(request.args, session), _of_labels(session)))

    @app.get("/api/labels")
    def send_labels() -> Response:
        states = store.states()
        return jsonify(
            differing=results.differing() if session.split else [],
            sources=[state.source for state in states],
            last=[state.events[-1]["frame"] if state.events else None for state in states],
            labelled=[None if state.labelled is None else labelled_frames({"labelled": state.labelled})
                      for state in states],
        )

    @app.get("/api/cases")
    def send_cases() -> Response:
        case = Case(*(_index(request.args, key, len(session.classes)) for key in ("true", "predicted")),
                    _whole(request.args["offset"], -MOST_FRAMES) if "offset" in request.args else None)
        model = _index(request.args, "model", len(session.models))
        if model is None or case.true is case.predicted is None:
            abort(400, "name a model, and a true or a predicted class")
        settings = _settings(request.args, session)
        return jsonify(results.cases(model, settings, _of_labels(session), case))


def _add_video(app: Flask, session: Session, results: Results) -> None:
    @app.get("/api/videos/<int:video>/scores/<int:model>")
    def send_scores(video: int, model: int) -> Response:
        curves = session.models[model].curves(session.videos[video].name)
        return Response(curves.tobytes(), mimetype="application/octet-stream")

    @app.post("/api/videos/<int:video>/marks")
    def send_marks(video: int) -> Response:
        body = _body()
        frames, labels = body.get("frames"), body.get("labels")
        if not (_are_below(frames, session.videos[video].num_frames) and _are_below(labels, len(session.classes))):
            abort(400, "frames and labels must be lists of numbers of the video")
        if len(frames) != len(labels):
            abort(400, "frames and labels must be of one length")
        return jsonify(results.marks(video, frames, labels, _settings(request.args, session)))


def _open_pictures(session: Session) -> Pictures | None:
    """What makes pictures of the video files, if there are any."""
    sources = {index: video.source for index, video in enumerate(session.videos) if video.source}
    if not sources:
        return None
    from viewer.video_pictures import Pictures  # whose decoder takes a while to import

    return Pictures(sources)


def _add_frames(app: Flask, session: Session, pictures: Pictures | None) -> None:
    @app.get("/frames/<int:video>/<int:frame>.jpg")
    def send_frame(video: int, frame: int) -> Response:
        # No path comes from outside: a video is the number of a known one, a frame a number.
        viewed = session.videos[video]
        path = viewed.frame_path(frame)
        if path is None:
            abort(404, f"frame {frame} is missing")
        jpeg = b""
        if pictures and viewed.source:
            shown = _index(request.headers, "X-Shown", viewed.num_frames)
            lines = _index(request.args, "lines", MOST_LINES + 1)
            try:
                jpeg = pictures.jpeg(video, frame, shown, max(1, MOST_LINES if lines is None else lines))
            except UserError:
                if not path.is_file():  # what was extracted shows the same frame
                    raise
        if jpeg is None:
            return Response(status=204)  # another frame is shown by now
        if jpeg:
            response = Response(jpeg, mimetype="image/jpeg")
            response.cache_control.max_age = YEAR  # its address changes with the file
        elif path.is_file():
            response = send_file(path.resolve(), "image/jpeg", max_age=YEAR)  # its address changes with the frames
        else:
            abort(404, f"{path.name} is missing: run prepare_data.py again" if viewed.extracted
                  else "no frames of this video: extract them with prepare_data.py, or give --videos")
        response.cache_control.public, response.cache_control.private = None, True
        return response


def _add_labels(app: Flask, session: Session, store: LabelStore) -> None:
    @app.get("/api/videos/<int:video>/labels")
    def read_labels(video: int) -> Response:
        return jsonify(**asdict(store.read(video)), file=str(store.path(video)))

    @app.get("/api/videos/<int:video>/revision")
    def send_revision(video: int) -> Response:
        return jsonify(revision=store.read(video).revision)

    @app.put("/api/videos/<int:video>/labels")
    def write_labels(video: int) -> Response | tuple[Response, int]:
        body = _body()
        try:
            labels = check_page_labels(body, session.videos[video], session.classes)
            return jsonify(revision=store.write(video, body.get("revision"), labels).revision)
        except ValueError as error:  # of JSON within JSON too
            abort(400, str(error))
        except Stale:
            return jsonify(error="changed elsewhere"), 409


def _add_help(app: Flask, session: Session, store: LabelStore) -> None:
    """What helps a person who labels."""

    match_of = matches_of(video.name for video in session.videos)

    @app.get("/api/videos/<int:video>/fields")
    def send_fields(video: int) -> Response:
        match = match_of[session.videos[video].name]
        same = [match_of[other.name] == match for other in session.videos]
        return jsonify(known_fields([state.events for state in store.states()], same))

    @app.get("/api/suggestions")
    def send_suggestions() -> Response:
        model = _index(request.args, "model", len(session.models))
        if model is None:
            abort(400, "name a model")
        return jsonify(suggest(store, session.models[model]))


def _add_leaving(app: Flask, session: Session, store: LabelStore) -> None:
    """How labels leave the page."""

    @app.get("/api/videos/<int:video>/export/<form>")
    def send_export(video: int, form: str) -> Response:
        return Response(export_video(store, video, form)[1], mimetype="application/octet-stream")

    @app.get("/api/export/<form>")
    def send_all(form: str) -> Response:
        return Response(export_all(store, form), mimetype="application/zip")

    @app.get("/api/training")
    def send_training() -> Response:
        places, model = session.places, _index(request.args, "model", len(session.models))
        commands, notes = training_commands(store, session.dataset, None if model is None else session.models[model],
                                            places.frame_dir, places.videos_dir)
        return jsonify(commands=commands, notes=notes, too_few=too_few(store, session.dataset),
                       unwritten=len(unwritten(store, session.dataset)))

    @app.post("/api/training/files")
    def make_files() -> Response:
        return jsonify(written=write_files(store, session.dataset))


def _describe(video: ViewedVideo) -> dict[str, Any]:
    return {
        "name": video.name,
        "num_frames": video.num_frames,
        "fps": video.fps,
        "start": video.stamps.start if video.stamps else 0,
        "stamps": video.stamps.to_json(MICROSECOND) if video.stamps and not video.stamps.is_even(video.fps) else None,
        "has_frames": video.has_frames,
        "stamp": video.stamp,
        "from_file": video.source is not None,
        "size": video.size,
    }


def _describe_model(model: Model, videos: list[ViewedVideo]) -> dict[str, Any]:
    rule, squares = model.rule, [model.square_of(video) for video in videos]
    return {"name": model.name, "file": model.path.name, "threshold": rule.threshold,
            "levels": rule.levels(model.classes).tolist(), "threshold_from": "; ".join([rule.source, *rule.notes]),
            "squares": squares if any(squares) else []}


def _settings(args: Any, session: Session) -> Settings:
    """What the page says of its sliders; each is optional."""
    thresholds = args.getlist("threshold")
    try:
        values = tuple(map(float, thresholds)) or tuple(model.rule.threshold for model in session.models)
    except ValueError:
        values = ()
    if len(values) != len(session.models) or not all(-1e9 < value < 1e9 for value in values):
        abort(400, "threshold must be a number for each model")
    usual = _defaults(session)
    soft = args.get("soft", str(usual["soft"])) == "1"
    try:
        window = parse_span(args.get("window", usual["soft_window" if soft else "window"]))
    except ArgumentTypeError as error:
        abort(400, f"window {error}")
    return Settings(values, Suppression(window, soft), _whole(args.get("tolerance", TOLERANCE), 0))


def _defaults(session: Session) -> dict[str, Any]:
    """Where the sliders stand at first: NMS as the first model's rule has it."""
    first = session.models[0].rule.suppression if session.models else NMS
    windows = {"window": NMS_WINDOW, "soft_window": SOFT_NMS_WINDOW,
               "soft_window" if first.soft else "window": plain_span(first.window)}
    return {**{key: str(window) for key, window in windows.items()}, "soft": int(first.soft), "tolerance": TOLERANCE,
            "threshold": DEFAULT_THRESHOLD}


def _of_labels(session: Session) -> bool:
    """Whether predictions are to be held against the labels as they are now, and not against the split."""
    return session.split is None or request.args.get("truth") == "labels"


def _whole(text: str | int, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = MOST_FRAMES + 1
    if not least <= value <= MOST_FRAMES:
        abort(400, f"{text!r} is no number of frames")
    return value


def _index(args: Any, key: str, size: int) -> int | None:
    """A number below `size`; None where it is not given."""
    text = args.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < size):
        abort(400, f"{key} must be a number below {size}")
    return int(text)


def _body() -> dict[str, Any]:
    try:
        body = parse_json(request.get_data())
    except ValueError as error:
        abort(400, f"must be JSON ({error})")
    if not isinstance(body, dict):
        abort(400, "must be a JSON object")
    return body


def _are_below(numbers: Any, size: int) -> bool:
    return isinstance(numbers, list) and all(type(n) is int and 0 <= n < size for n in numbers)
