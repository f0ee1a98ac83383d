"""What tests of pictures share: a video with predictions, their pairing, and how a picture is looked at."""

import numpy as np
from conftest import read_image
from matplotlib.colors import to_rgb

from evaluation.pairing import pair_events
from util.events import event_table, true_events

CLASSES = ["DRIVE", "PASS"]
VIDEO = {
    "video": "cup $1 and $2/m_1",
    "fps": 25.0,
    "num_frames": 500,
    "events": [
        {"frame": 400, "label": "PASS"},
        {"frame": 100, "label": "PASS"},
        {"frame": 250, "label": "DRIVE"},
        {"frame": 300, "label": "DRIVE"},
    ],
}
EVENTS = [
    {"label": "PASS", "frame": 101, "score": 0.4},
    {"label": "PASS", "frame": 99, "score": 0.8},
    {"label": "DRIVE", "frame": 260, "score": 0.7},
]


def paired(truth, events, tolerances, classes=CLASSES):
    """The pairings of a video's predicted events with its true ones."""
    predicted = event_table([{**truth, "events": events}], [truth["video"]], classes)
    return pair_events(true_events([truth], classes), predicted, len(classes), tolerances)


def decoded(path):
    """uint8 (H, W, 3), RGB."""
    return read_image(path)[..., ::-1]


def holds_colour(image, colour, pixels=1):
    """Whether so many pixels have that colour, "#RRGGBB" or fractions, within a rounding."""
    rgb = 255 * np.array(to_rgb(colour))
    return int((np.abs(image - rgb) < 1.5).all(axis=-1).sum()) >= pixels
