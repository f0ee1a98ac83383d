"""All that config.json says of the network, in one place: `EventSpotter` is built from it alone."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.options import count, odd, positive, share

# CNN -> its ImageNet weights, named to the letter: those of the papers, not whatever a later release prefers
CNNS = {
    "rn18": "resnet18",
    "rn50": "resnet50",
    "rny002": "regnety_002.pycls_in1k",
    "rny004": "regnety_004.pycls_in1k",
    "rny006": "regnety_006.pycls_in1k",
    "rny008": "regnety_008.pycls_in1k",
    "convnextt": "convnext_tiny.fb_in1k",
}
SHIFTS = ("tsm", "gsm", "gsf")
FEATURE_ARCHS = [f"{cnn}{shift}" for cnn in CNNS for shift in ("", *(f"_{name}" for name in SHIFTS))]
ALIASES = {"resnet50": "rn50", "regnet_y": "rny008_gsm"}  # the original's names of whole backbones
STAGES = ["".join(s) for number in range(1, 5) for s in itertools.combinations("1234", number)]
TEMPORAL_ARCHS = ("gru", "deeper_gru", "mstcn", "asformer", "ed_sgp_mixer", "")
MODALITIES = ("rgb_diff", "rgb", "bw", "flow")
PADDINGS = ("zeros", "replicate", "reflect")  # as torch.nn.Conv2d calls them
KINDS = {"int": "a whole number above {}", "str": "a str", "bool": "true or false"}  # as messages call them


@dataclass(frozen=True)
class Regions:
    """Regions of AdaSpot, see model/regions.py. Sizes are height and width in pixels; None leaves frames as they come.

    Whole frames are resized to `high`, of which the middle `high_crop` is looked at; and to `low` (or by `scale`), of
    which the first backbone sees the middle `low_crop`.
    """

    size: int = 112  # side of the square that the second backbone sees, and of the smallest that is cut out
    threshold: float = 0.3  # share of what the first backbone sees that a region must hold
    scale: float = 0.5  # of the first backbone's frames to those that come
    high: tuple[int, int] | None = None
    high_crop: tuple[int, int] | None = None
    low: tuple[int, int] | None = None
    low_crop: tuple[int, int] | None = None
    low_loss: bool = True  # whether the first backbone is trained by a head of its own as well
    high_loss: bool = True  # whether the second is

    @classmethod
    def from_config(cls, config: Any, path: Path) -> Regions | None:
        """From the object that config.json has under "regions"; None where it has none.

        Raises:
            UserError: it holds something else.
        """
        if config is None:
            return None
        given = dict(config) if isinstance(config, Mapping) else {"": config}
        for key in ("high", "high_crop", "low", "low_crop"):
            pair = given.get(key)
            if isinstance(pair, list | tuple) and len(pair) == 2 and all(type(n) is int and n > 0 for n in pair):
                given[key] = tuple(pair)
            elif pair is not None:
                raise UserError(f"{path}: {key} of the regions must be height and width in pixels, not {pair!r}")
        kinds = {"size": int, "threshold": float, "scale": float, "low_loss": bool, "high_loss": bool}
        for key, value in given.items():
            if key not in cls.__dataclass_fields__ or type(value) is not kinds.get(key, type(value)) or (
                key in ("size", "threshold", "scale") and not 0 < value < 10_000
            ):
                raise UserError(f"{path}: regions cannot have {key} {value!r}; copy the file again")
        return cls(**given)


@dataclass(frozen=True)
class Architecture:
    """The network. A field is a key of config.json of the same name and type, and one that older folders do not have
    needs a default: what they were."""

    feature_arch: str = field(metadata={"known": FEATURE_ARCHS})
    temporal_arch: str = field(metadata={"known": TEMPORAL_ARCHS})
    num_classes: int  # K, without background
    modality: str = field(default="rgb", metadata={"known": MODALITIES})
    clip_len: int = field(default=100, metadata={"required": True})  # frames; also the number of learned positions
    shift_stages: str = field(default="1234", metadata={"known": STAGES})  # of the CNN, those with temporal layers
    # of the head ed_sgp_mixer, see model/sgp.py
    n_layers: int = 2
    sgp_ks: int = 9  # frames
    sgp_r: int = 4
    padding: str = field(default="zeros", metadata={"known": PADDINGS})  # of the CNN's convolutions
    regions: Regions | None = None  # looked at more closely by a second backbone; None: there is but one
    # further outputs
    radi_displacement: int = field(default=0, metadata={"least": 0})  # frames to either side of an event; 0: no output
    event_team: bool = False
    joint_classes: int = field(default=0, metadata={"least": 0})  # K' of the second dataset; 0: there is none

    @classmethod
    def from_config(cls, config: Mapping[str, Any], path: Path) -> Architecture:
        """From the object that config.json at `path` holds.

        Raises:
            UserError: a key is missing, of a wrong type, or names something that is not known.
        """
        required = {f.name for f in fields(cls) if f.default is MISSING or "required" in f.metadata}
        config = {**config, "regions": Regions.from_config(config.get("regions"), path)}
        given = {f: config.get(f.name) for f in fields(cls) if f.name in config or f.name in required}
        for key, value in given.items():
            known = key.metadata.get("known")
            if known and value not in known:
                named = ", ".join(name or "'' (linear)" for name in known)
                raise UserError(f"{path}: {key.name} must be one of {named}, not {value!r}; see the list of -h")
            least = key.metadata.get("least", 1)
            if key.name != "regions" and type(value).__name__ != key.type or (key.type == "int" and value < least):
                kind = KINDS[key.type].format(least - 1)
                raise UserError(f"{path}: {key.name} must be {kind}, not {value!r}; copy the file again")
        return cls(**{key.name: value for key, value in given.items()})

    @classmethod
    def from_options(cls, args: argparse.Namespace, num_classes: int, joint_classes: int = 0) -> Architecture:
        """From the options that `add_architecture_options` adds."""
        options = {f.name: getattr(args, f.name) for f in fields(cls) if f.name in args}
        if options["shift_stages"] is None:
            options["shift_stages"] = default_shift_stages(args.feature_arch, args.temporal_arch)
        if args.regions:  # true, or those of a network that is started from
            given = args.regions if isinstance(args.regions, Regions) else Regions()
            options["regions"] = replace(given, size=args.region_size, threshold=args.region_threshold,
                                         scale=args.region_scale)
            options["padding"] = args.padding or "replicate"
        else:
            options |= {"regions": None, "padding": args.padding or "zeros"}
        return cls(num_classes=num_classes, joint_classes=joint_classes, **options)

    def as_options(self) -> dict[str, Any]:
        """The values of the options from which `from_options` makes this network."""
        settled = ("num_classes", "joint_classes", "event_team")  # by the labels
        options = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in settled}
        if self.regions is not None:
            options |= {f"region_{key}": getattr(self.regions, key) for key in ("size", "threshold", "scale")}
        return options

    @property
    def cnn(self) -> str:
        """The backbone's name without that of its temporal layers."""
        return self.feature_arch.partition("_")[0]

    @property
    def shift(self) -> str:
        """The temporal layers in the backbone, "" for none."""
        return self.feature_arch.partition("_")[2]

    @property
    def black_outside(self) -> bool:
        """Whether frames outside a video are black ones, normalised like any other, as in T-DEED and AdaSpot, and not
        zeros."""
        return self.temporal_arch == "ed_sgp_mixer" or self.regions is not None

    def __str__(self) -> str:
        return f"{self.feature_arch} + {self.temporal_arch or 'linear'}"


def default_shift_stages(feature_arch: str, temporal_arch: str) -> str:
    """All stages; but T-DEED's, of a RegNet, are the last two."""
    return "34" if temporal_arch == "ed_sgp_mixer" and feature_arch.startswith("rny") else "1234"


def add_architecture_options(parser: argparse.ArgumentParser) -> None:
    """An option for each field of `Architecture` that the dataset does not settle."""
    add = parser.add_argument_group("network").add_argument
    parser.set_defaults(padding=None)  # it follows from the others, or from a network that is started from
    add("-m", "--feature_arch", metavar="ARCH", type=lambda name: ALIASES.get(name, name),
        choices=FEATURE_ARCHS,
        help=f"{', '.join(FEATURE_ARCHS)}; {', '.join(f'{a} means {b}' for a, b in ALIASES.items())}")
    add("-t", "--temporal_arch", default="gru", choices=TEMPORAL_ARCHS,
        help="head (--temporal_arch= for a linear layer)")
    add("--modality", choices=MODALITIES, help="what is seen of a frame: colours with what changes from frame to "
        "frame, colours, grey, or optical flow (rgb_diff; original: rgb)")
    add("--clip_len", type=positive, default=100, help="frames in a clip")
    add("--shift_stages", choices=STAGES, metavar="1234",
        help="stages of the CNN that have temporal layers (default: all; with ed_sgp_mixer 34)")
    add("--n_layers", type=positive, default=2, help="of ed_sgp_mixer: how often it halves a clip's length")
    add("--sgp_ks", type=odd, default=9, metavar="FRAMES", help="of ed_sgp_mixer: its narrow window, an odd number")
    add("--sgp_r", type=positive, default=4, help="of ed_sgp_mixer: by how much its wide window is wider")
    add("--regions", action=argparse.BooleanOptionalAction, default=False,
        help="look at the frames small, and through a second CNN at a region of each at full size, as AdaSpot does")
    add("--region_size", type=positive, default=112, metavar="PIXELS", help="side of the smallest region")
    add("--region_threshold", type=share, default=0.3, metavar="SHARE", help="of what is seen that a region must hold")
    add("--region_scale", type=share, default=0.5, metavar="SHARE", help="size of the small frames")
    add("--displacement", dest="radi_displacement", type=count, default=0, metavar="FRAMES",
        help="frames about an event that carry its label and learn how far from it they are (default: 0, none)")
    add("--team", dest="event_team", action="store_true",
        help="tell the side of each event too: left or right, as the team of the labels says")
