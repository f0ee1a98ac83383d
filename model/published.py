"""What published spotters call the tensors of their checkpoints."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch import Tensor

# How the original E2E-Spot names what is named otherwise here; applied in this order to every key.
ORIGINAL_KEYS: list[tuple[str, str | Callable[[re.Match], str]]] = [
    (r"^_features\.", "backbone.cnn."),
    (r"\.gsm\.conv3D\.weight$", ".shift.gate.weight"),
    (r"\.gsm\.conv3D\.bias$", ".shift.gate_bias"),
    (r"\.gsm\.bn\.", ".shift.norm."),
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
# a residual block's place in ResNet, RegNet and ConvNeXt
BLOCK_OF_ORIGINAL = r"^(_features\.(?:layer\d\.\d+|s\d\.b\d+|stages\.\d\.blocks\.\d+))\."


def from_original(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of an original E2E-Spot checkpoint under this project's keys; any other as it is."""
    if not any(key.startswith("_features.") for key in state):
        return state
    tsm = any(".net." in key for key in state) and not any(".gsm." in key for key in state)
    renamed = {}
    for key, value in state.items():
        if tsm:  # it wraps a block's first convolution there, the whole block here
            key = re.sub(r"\.(conv1|conv_dw)\.net\.", r".\1.", re.sub(BLOCK_OF_ORIGINAL, r"\1.net.", key))
        for pattern, name in ORIGINAL_KEYS:
            key = re.sub(pattern, name, key)
        if key.endswith(".shift.gate.weight") and isinstance(value, Tensor) and value.dim() == 5:
            # (2, F/2, 3, 3, 3) -> (2 * 3, F/2, 3, 3)
            value = value.transpose(1, 2).flatten(0, 1)
        renamed[key] = value
    return renamed
