"""Checkpoints of the published spotters under this project's names: E2E-Spot (Hong et al., ECCV 2022), T-DEED (Xarles
et al., CVPRW 2024) and AdaSpot (Xarles et al., CVPR 2026)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from torch import Tensor

Renames = list[tuple[str, str | Callable[[re.Match], str]]]  # pattern, name; applied in this order to every key

SHIFT_KEYS: Renames = [
    (r"\.gsm?\.conv3D\.weight$", ".shift.gate.weight"),
    (r"\.gsm?\.conv3D\.bias$", ".shift.gate_bias"),
    (r"\.gsm?\.bn\.", ".shift.norm."),
    (r"\.gs\.channel_conv1\.(1\.)?", ".shift.fuse.0."),
    (r"\.gs\.channel_conv2\.(1\.)?", ".shift.fuse.1."),
]
E2E_SPOT_KEYS: Renames = [
    (r"^_features\.", "backbone.cnn."),
    (r"^_pred_fine\._gru\.", "head.gru."),
    (r"^_pred_fine\._fc_out\.(_fc_out\.)?", "head.classify."),
    (r"^_pred_fine\._tcn\.", "head.stages.0."),
    (r"^_pred_fine\._stages\.0\.", "head.stages.1."),
    (r"^_pred_fine\._stages\.1\.", "head.stages.2."),
    (r"^(head\.stages\.\d)\.conv_1x1\.", r"\1.0."),
    (r"^(head\.stages\.\d)\.layers\.(\d)\.", lambda found: f"{found[1]}.{int(found[2]) + 1}."),
    (r"^(head\.stages\.\d)\.conv_out\.", r"\1.6."),
    (r"^(head\.stages\.\d\.\d)\.conv_dilated\.", r"\1.dilated."),
    (r"^(head\.stages\.\d\.\d)\.conv_1x1\.", r"\1.mix."),
    (r"^_pred_fine\._net\.", "head."),
    (r"\.att_layer\.(query|key|value)_conv\.", r".attention.\1."),
    (r"\.att_layer\.conv_out\.", ".attention.out."),
    (r"\.feed_forward\.layer\.0\.", ".dilated."),
    (r"(\.layers\.\d)\.conv_1x1\.", r"\1.mix."),
    (r"^(head\.(?:encoder|decoders\.\d))\.conv_1x1\.", r"\1.enter."),
    (r"^(head\.(?:encoder|decoders\.\d))\.conv_out\.", r"\1.classify."),
]
T_DEED_KEYS: Renames = [
    (r"^_features\.", "backbone.cnn."),
    (r"^temp_enc$", "head.positions"),
    (r"^_temp_fine\._sgp\.", "head.mixer.blocks."),
    (r"^_temp_fine\._sgpMixer\.", "head.mixer.mixers."),
    (r"^_pred_fine\.(_fc1\.)?_fc_out\.", "head.classify."),
    (r"^_pred_fine\._fc2\._fc_out\.", "head.further.joint."),
    (r"^_pred_displ\._fc_out\.", "head.further.displacement."),
    (r"^_pred_team\._fc_out\.", "head.further.team."),
    (r"^(head\.mixer\.blocks\.\d+)\.ln\.", r"\1.norm."),
    (r"^(head\.mixer\.blocks\.\d+)\.(psi|fc|convw|convkw|global_fc)\.", r"\1.branches.\2."),
    (r"^(head\.mixer\.mixers\.\d+)\.ln1\.", r"\1.kept_norm."),
    (r"^(head\.mixer\.mixers\.\d+)\.ln2\.", r"\1.coarse_norm."),
    (r"^(head\.mixer\.mixers\.\d+)\.(psi|fc|convw|convkw|global_fc)1\.", r"\1.kept_branches.\2."),
    (r"^(head\.mixer\.mixers\.\d+)\.(psi|fc|convw|convkw|global_fc)2\.", r"\1.coarse_branches.\2."),
    (r"branches\.psi\.", "branches.gate."),
    (r"branches\.fc\.", "branches.instant."),
    (r"branches\.convw\.", "branches.narrow."),
    (r"branches\.convkw\.", "branches.wide."),
    (r"branches\.global_fc\.", "branches.clip."),
    (r"^(head\.mixer\.mixers\.\d+)\.concat_fc\.", r"\1.join."),
    (r"^(head\.mixer\..*)\.gn\.", r"\1.perceptron.0."),
    (r"^(head\.mixer\..*)\.mlp\.0\.", r"\1.perceptron.1."),
    (r"^(head\.mixer\..*)\.mlp\.2\.", r"\1.perceptron.3."),
]
ADASPOT_KEYS: Renames = [
    (r"^(low|high)res_backbone\.", r"backbone.\1.cnn."),
    (r"\.conv\.1\.", ".conv."),  # behind the padding, a layer of its own there
    (r"^(low|high)res_linear\.", r"backbone.\1_project."),
    (r"^temp_enc$", "head.positions"),
    (r"^_temp_fine\.", "head.both.gru."),
    (r"^_pred_fine\._fc_out\.", "head.both.classify."),
    (r"^_temp_fine_(low|high)res\.", r"head.branches.\1.gru."),
    (r"^_pred_fine_(low|high)res\._fc_out\.", r"head.branches.\1.classify."),
]
# a residual block's place in ResNet, RegNet and ConvNeXt
BLOCK = r"^(_features\.(?:layer\d\.\d+|s\d\.b\d+|stages\.\d\.blocks\.\d+))\."


def from_published(state: dict[str, Any]) -> dict[str, Any]:
    """The state dict of a published spotter under this project's keys; any other as it is."""
    if not any(key.startswith(("_features.", "lowres_backbone.")) for key in state):
        return state
    tsm = any(".net." in key for key in state) and not any(re.search(r"\.gsm?\.", key) for key in state)
    renames = E2E_SPOT_KEYS
    if "temp_enc" in state:
        renames = ADASPOT_KEYS if any(key.startswith("lowres_backbone.") for key in state) else T_DEED_KEYS
    renames = SHIFT_KEYS + renames
    renamed = {}
    for key, value in state.items():
        if tsm:  # it wraps a block's first convolution there, the whole block here
            key = re.sub(r"\.(conv1|conv_dw)\.net\.", r".\1.", re.sub(BLOCK, r"\1.net.", key))
        for pattern, name in renames:
            key = re.sub(pattern, name, key)
        renamed[key] = _reshaped(key, value)
    return renamed


def _reshaped(key: str, value: Any) -> Any:
    """A parameter that has another shape here, in that shape."""
    if not isinstance(value, Tensor):
        return value
    if key.endswith(".shift.gate.weight") and value.dim() == 5:
        return value.transpose(1, 2).flatten(0, 1)  # (2, F/2, 3, 3, 3) -> (2 * 3, F/2, 3, 3)
    if re.search(r"norm\.(weight|bias)$", key) and value.dim() == 3:
        return value.flatten()  # (1, C, 1) -> (C,)
    return value
