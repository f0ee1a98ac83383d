"""The training loss against the sum over frames that it stands for."""

import pytest
import torch

from dataset.frames import Batch
from model.loss import mean_loss, spotting_loss


def slow_loss(logits, targets):
    total = 0.0
    stages, clips, frames, outputs = logits.shape
    for s in range(stages):
        for b in range(clips):
            for t in range(frames):
                log_share = logits[s, b, t] - logits[s, b, t].exp().sum().log()
                total -= sum((1 if c == 0 else 5) * targets[b, t, c] * log_share[c] for c in range(outputs))
    return total / (stages * clips * frames)


@pytest.mark.parametrize("mixed", [False, True])
def test_the_loss_weighs_foreground_five_times_over_all_stages_and_frames(mixed):
    torch.manual_seed(0)
    logits = torch.randn(3, 2, 4, 3)
    targets = torch.nn.functional.one_hot(torch.randint(0, 3, (2, 4)), 3).float()
    if mixed:
        targets = targets.lerp(targets.roll(1, 0), 0.3)
    torch.testing.assert_close(spotting_loss(logits, targets), slow_loss(logits, targets))


class Echo(torch.nn.Module):
    """Logits that are the mean of each frame's colours; notes whether it was in training."""

    def forward(self, frames, inside):
        self.was_training = self.training
        return (frames.float().mean((-1, -2)) * inside[..., None])[None]


def test_the_mean_loss_is_that_of_the_batches_and_does_not_train():
    torch.manual_seed(0)
    batches = []
    for _ in range(2):
        targets = torch.nn.functional.one_hot(torch.randint(0, 3, (2, 4)), 3).float()
        frames = torch.randint(0, 9, (2, 4, 3, 2, 2), dtype=torch.uint8)
        batches.append(Batch(frames, torch.ones(2, 4), [0, 0], [0, 0], targets))
    model = Echo()
    expected = [slow_loss(b.frames.float().mean((-1, -2))[None], b.targets).item() for b in batches]
    assert mean_loss(model, batches, torch.device("cpu")) == pytest.approx(sum(expected) / 2, rel=1e-5)
    assert not model.was_training
