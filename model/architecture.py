"""All that config.json says of the network, in one place: `EventSpotter` is built from it alone."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from util.errors import UserError

# CNN -> its ImageNet weights, named to the letter: those of the papers, not whatever a later release prefers
CNNS = {
    "rn18": "resnet18",
    "rn50": "resnet50",
    "rny002": "regnety_002.pycls_in1k",
    "rny008": "regnety_008.pycls_in1k",
    "convnextt": "convnext_tiny.fb_in1k",
}
SHIFTS = ("tsm", "gsm")
FEATURE_ARCHS = [f"{cnn}{shift}" for cnn in CNNS for shift in ("", *(f"_{name}" for name in SHIFTS))]
ALIASES = {"resnet50": "rn50", "regnet_y": "rny008_gsm"}  # the original's names of whole backbones
TEMPORAL_ARCHS = ("gru", "deeper_gru", "mstcn", "asformer", "")
MODALITIES = ("rgb", "bw", "flow")


@dataclass(frozen=True)
class Architecture:
    """The network. A field is a key of config.json of the same name and type, and one that older folders do not have
    needs a default: what they were."""

    feature_arch: str = field(metadata={"known": FEATURE_ARCHS})
    temporal_arch: str = field(metadata={"known": TEMPORAL_ARCHS})
    num_classes: int  # K, without background
    modality: str = field(default="rgb", metadata={"known": MODALITIES})

    @classmethod
    def from_config(cls, config: Mapping[str, Any], path: Path) -> Architecture:
        """From the object that config.json at `path` holds.

        Raises:
            UserError: a key is missing, of a wrong type, or names something that is not known.
        """
        given = {f: config.get(f.name) for f in fields(cls) if f.name in config or f.default is MISSING}
        for key, value in given.items():
            known = key.metadata.get("known")
            if known and value not in known:
                named = ", ".join(name or "'' (linear)" for name in known)
                raise UserError(f"{path}: {key.name} must be one of {named}, not {value!r}; see the list of -h")
            if type(value).__name__ != key.type or (key.type == "int" and value < 1):
                kind = "a whole number above 0" if key.type == "int" else f"a {key.type}"
                raise UserError(f"{path}: {key.name} must be {kind}, not {value!r}; copy the file again")
        return cls(**{key.name: value for key, value in given.items()})

    @classmethod
    def from_options(cls, args: argparse.Namespace, num_classes: int) -> Architecture:
        """From the options that `add_architecture_options` adds."""
        return cls(num_classes=num_classes, **{f.name: getattr(args, f.name) for f in fields(cls) if f.name in args})

    @property
    def cnn(self) -> str:
        """The backbone's name without that of its temporal layers."""
        return self.feature_arch.partition("_")[0]

    @property
    def shift(self) -> str:
        """The temporal layers in the backbone, "" for none."""
        return self.feature_arch.partition("_")[2]

    def __str__(self) -> str:
        return f"{self.feature_arch} + {self.temporal_arch or 'linear'}"


def add_architecture_options(parser: argparse.ArgumentParser) -> None:
    """An option for each field of `Architecture` that the dataset does not settle."""
    add = parser.add_argument_group("network").add_argument
    add("-m", "--feature_arch", required=True, metavar="ARCH", type=lambda name: ALIASES.get(name, name),
        choices=FEATURE_ARCHS,
        help=f"{', '.join(FEATURE_ARCHS)}; {', '.join(f'{a} means {b}' for a, b in ALIASES.items())}")
    add("-t", "--temporal_arch", default="gru", choices=TEMPORAL_ARCHS,
        help="head (--temporal_arch= for a linear layer)")
    add("--modality", default="rgb", choices=MODALITIES)
