"""What a new network takes over from a trained one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from model.architecture import Architecture
from model.checkpoint import plain_name
from model.heads import build_head
from model.spotter import EventSpotter
from util.errors import UserError, number_of

HEAD_FIELDS = ("temporal_arch", "n_layers", "sgp_ks", "sgp_r")  # heads that differ in one have other layers


@torch.no_grad()
def start_from(
    spotter: EventSpotter, source: EventSpotter, classes: Sequence[str], known: Sequence[str] | None, joint: bool = True
) -> list[str]:
    """Put what fits of a trained network into a new one: by class where its tensors are of classes.

    Args:
        source: the trained one.
        classes: the new one's.
        known: the trained one's; None where nothing names them, and none is kept.
        joint: whether the classes of a second dataset are the same.

    Returns:
        lines that say what was kept and what is new.

    Raises:
        UserError: nothing fits.
    """
    ours, theirs = spotter.architecture, source.architecture
    if ours.cnn != theirs.cnn:
        raise UserError(f"nothing of {theirs} fits {ours}; leave out -m for the same network, or --init for a new one")
    lines, state, trained = [], spotter.state_dict(), source.state_dict()
    taken, missing = _backbone(state, trained)
    lines.append(f"backbone: {number_of(taken, 'tensor')} kept" + (f", {missing} new" if missing else ""))
    if [_kind(ours, name) for name in HEAD_FIELDS] != [_kind(theirs, name) for name in HEAD_FIELDS] or (
        (ours.regions is None) != (theirs.regions is None)
    ):
        return [*lines, f"head: new, as that of {theirs} is another"]
    if not joint:
        trained = {key: value for key, value in trained.items() if not key.startswith("head.further.joint.")}
    return lines + _head(state, trained, spotter, list(classes), known)


def _kind(architecture: Architecture, name: str) -> object:
    """A field that says of what kind a head is; None where its kind does not have it."""
    of_sgp = architecture.temporal_arch == "ed_sgp_mixer"
    return getattr(architecture, name) if of_sgp or name == "temporal_arch" else None


def _backbone(state: dict[str, Tensor], source: dict[str, Tensor]) -> tuple[int, int]:
    """Copy what fits; gives the numbers of tensors that were taken over and that were not. One CNN serves for both of
    a backbone with regions, and the first of those for a single one."""
    by_name = {plain_name(key): value for key, value in source.items() if key.startswith("backbone.")}
    keys = [key for key in state if key.startswith("backbone.")]
    taken = 0
    for key in keys:
        name = plain_name(key)
        others = (name, re.sub(r"^backbone\.(low|high)\.", "backbone.", name),
                  name.replace("backbone.cnn.", "backbone.low.cnn."))
        value = next((by_name[other] for other in others if other in by_name), None)
        if value is not None and value.shape == state[key].shape:
            state[key].copy_(value)
            taken += 1
    return taken, len(keys) - taken


def _head(
    state: dict[str, Tensor], source: dict[str, Tensor], spotter: EventSpotter, classes: list[str],
    known: Sequence[str] | None,
) -> list[str]:
    """Copy what fits of a head of the same kind; gives the lines that say what did."""
    of_classes = _class_dimensions(spotter)
    place = {name: number for number, name in enumerate(("", *(known or ())))}  # the first is background
    same = [(new, place[name]) for new, name in enumerate(("", *classes)) if known is not None and name in place]
    parts: dict[str, list[str]] = {"kept": [], "new": []}
    lines = []
    for key, value in state.items():
        if not key.startswith("head."):
            continue
        part = _part(key)
        if key not in source:
            parts["new"].append(part)
        elif key in of_classes:
            for new, old in same:
                value.select(of_classes[key], new).copy_(source[key].select(of_classes[key], old))
        elif key == "head.positions" and len(value) != len(source[key]):
            between = F.interpolate(source[key].T[None], len(value), mode="linear", align_corners=True)
            value.copy_(between[0].T)
            lines.append(f"learned positions: interpolated from {len(source[key])} to {len(value)} frames")
        elif value.shape == source[key].shape:
            value.copy_(source[key])
            parts["kept"].append(part)
        else:
            parts["new"].append(part)
    dropped = {_part(key) for key in source if key.startswith("head.") and key not in state}
    named = {"kept": parts["kept"], "new": parts["new"], "left out": dropped}
    said = [f"{', '.join(dict.fromkeys(names))} {what}" for what, names in named.items() if names]
    kept = [name for name in classes if name in place]
    fresh = [name for name in classes if name not in place]
    said_of = "; ".join(f"{', '.join(names)} {what}" for what, names in (("kept", kept), ("new", fresh)) if names)
    why = "" if known is not None else " (nothing names those of the trained model; --init_classes does)"
    return [*([f"head: {'; '.join(said)}"] if said else []), *lines, f"classes: {said_of}{why}"]


def _part(key: str) -> str:
    """What a tensor of a head belongs to, in a word."""
    further = re.match(r"head\.further\.(\w+)", key)
    return further[1] if further else "layers"


def _class_dimensions(spotter: EventSpotter) -> dict[str, int]:
    """Of each tensor of the head that has a place for each class, the dimension along which: which grows with their
    number."""
    sizes = []
    for number in (1, 2):
        with torch.device("meta"):
            head = build_head(replace(spotter.architecture, num_classes=number), spotter.backbone.num_features)
        sizes.append({f"head.{key}": tuple(value.shape) for key, value in head.state_dict().items()})
    few, many = sizes
    return {key: next(dim for dim, size in enumerate(shape) if size != many[key][dim])
            for key, shape in few.items() if shape != many[key]}
