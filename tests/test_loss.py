"""The training loss against the sum over frames that it stands for."""

import pytest
import torch

from model.loss import mean_loss, spotting_loss
from util.batch import Batch, Outputs, Targets


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
    torch.testing.assert_close(spotting_loss(Outputs(logits), Targets(targets)), slow_loss(logits, targets))


def test_each_output_adds_its_term():
    torch.manual_seed(0)
    logits, joint = torch.randn(1, 2, 4, 3), torch.randn(2, 4, 5)
    labels = torch.nn.functional.one_hot(torch.randint(0, 3, (2, 4)), 3).float()
    displacement, wanted = torch.randn(2, 4), torch.tensor([[0.0, -1, 0, 1], [0, 0, 0, 0]])
    both = spotting_loss(Outputs(logits, displacement), Targets(labels, wanted))
    torch.testing.assert_close(both, slow_loss(logits, labels) + ((displacement - wanted) ** 2).mean())

    side, team = torch.randn(2, 4), torch.zeros(2, 4, 2)
    team[0, 1, 1] = team[1, 2, 0] = 1  # right, left; the other frames have none
    expected = -(side[0, 1].sigmoid().log() + (1 - side[1, 2].sigmoid()).log()) / 2
    with_team = spotting_loss(Outputs(logits, team=side), Targets(labels, team=team))
    torch.testing.assert_close(with_team, slow_loss(logits, labels) + expected)
    nobody = spotting_loss(Outputs(logits, team=side), Targets(labels, team=torch.zeros(2, 4, 2)))
    torch.testing.assert_close(nobody, slow_loss(logits, labels))

    # the first clip is of the first dataset, the second of the second
    first, second = labels.clone(), torch.nn.functional.one_hot(torch.randint(0, 5, (2, 4)), 5).float()
    first[1], second[0] = 0, 0
    loss = spotting_loss(Outputs(logits, joint_logits=joint), Targets(first, joint_labels=second))
    alone = slow_loss(logits[:, :1], labels[:1]) + slow_loss(joint[None, 1:], second[1:])
    torch.testing.assert_close(loss, alone / 2)
    on_val = spotting_loss(Outputs(logits, joint_logits=joint), Targets(labels))  # whose clips are of the first alone
    torch.testing.assert_close(on_val, slow_loss(logits, labels))


class Echo(torch.nn.Module):
    """Logits that are the mean of each frame's colours; notes whether it was in training."""

    device = torch.device("cpu")

    def forward(self, frames, inside):
        self.was_training = self.training
        return Outputs((frames.float().mean((-1, -2)) * inside[..., None])[None])


def test_the_mean_loss_is_that_of_all_frames_and_does_not_train():
    torch.manual_seed(0)
    batches, losses = [], []
    for clips in (2, 2, 1):  # the last batch is what was left
        labels = torch.nn.functional.one_hot(torch.randint(0, 3, (clips, 4)), 3).float()
        frames = torch.randint(0, 9, (clips, 4, 3, 2, 2), dtype=torch.uint8)
        batches.append(Batch(frames, torch.ones(clips, 4), [0] * clips, [0] * clips, Targets(labels)))
        losses += [slow_loss(frames[i : i + 1].float().mean((-1, -2))[None], labels[i : i + 1]) for i in range(clips)]
    model = Echo()
    assert mean_loss(model, batches) == pytest.approx(sum(losses).item() / 5, rel=1e-5)
    assert not model.was_training


def test_frames_that_nobody_labelled_add_nothing_to_any_term():
    torch.manual_seed(0)
    labels = torch.nn.functional.one_hot(torch.randint(0, 3, (2, 4)), 3).float()
    labels[0, 1] = labels[1, 3] = 0
    targets = Targets(labels, torch.randn(2, 4), torch.zeros(2, 4, 2))
    logits, displacement, team = torch.randn(1, 2, 4, 3), torch.randn(2, 4), torch.randn(2, 4)
    loss = spotting_loss(Outputs(logits, displacement, team), targets)
    for output in (logits[0], displacement, team):
        output[0, 1], output[1, 3] = 100, -100
    torch.testing.assert_close(spotting_loss(Outputs(logits, displacement, team), targets), loss)
