"""Labels that do not go with the motion of their frames are found, with where they belong; others are left alone."""

from dataclasses import replace

import numpy as np
import pytest

from checks.event_motion import at_labels, class_weights, strengths
from checks.label_fit import judge, usual_late
from checks.motion_source import Source

NUM_FRAMES, EVENTS = 1500, 24
SHAPE = np.exp(-0.5 * ((np.arange(40) - 6) / 3) ** 2)  # of the motion from an event on


def made(seed, fps=25.0, height=3.0, jitter=0.0):
    """A source with motion after each of its events, of two classes, in noise that lasts some frames."""
    rng = np.random.default_rng(seed)
    frames = np.sort(rng.choice(np.arange(60, NUM_FRAMES - 60, 12), EVENTS, replace=False))
    noise = rng.standard_normal((NUM_FRAMES + 20, 3))
    levels = np.stack([np.convolve(column, np.full(5, 5**-0.5), "same")[:NUM_FRAMES] for column in noise.T], 1)
    labels = rng.integers(0, 2, EVENTS)
    for frame, label in zip(frames, labels, strict=True):
        late = round(rng.normal(0, jitter))
        levels[frame + late : frame + late + 40, label] += height * SHAPE
    return Source(f"v_{seed}", (f"v_{seed}",), levels.astype(np.float32), frames, labels, fps)


def with_frames(source, frames):
    return replace(source, frames=np.clip(frames, 0, NUM_FRAMES - 1))


def verdicts(sources):
    return judge(sources, 2, np.random.default_rng(0))


@pytest.fixture
def clean():
    return [made(seed) for seed in range(8)]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_said_of_clean_labels(seed):
    fits = verdicts([made(100 * seed + i, jitter=1.0) for i in range(8)])
    assert {fit.verdict for fit in fits} == {"fits"}
    assert all(abs(fit.late) <= 1 and fit.interval[0] <= 0 <= fit.interval[1] for fit in fits)


@pytest.mark.parametrize("shift", [5, -12, 40])
def test_a_shift_is_found_in_its_video_alone_with_its_interval(shift, clean):
    clean[3] = with_frames(clean[3], clean[3].frames + shift)
    fits = verdicts(clean)
    assert [fit.verdict for fit in fits] == ["fits"] * 3 + ["late"] + ["fits"] * 4
    assert fits[3].interval[0] <= shift <= fits[3].interval[1] and abs(fits[3].late - shift) <= 1
    assert f"{abs(fits[3].late)} frames {'late' if shift > 0 else 'early'}" in fits[3].message


def test_three_of_eight_may_be_shifted(clean):
    shifted = [with_frames(one, one.frames + 10) if i < 3 else one for i, one in enumerate(clean)]
    assert [fit.verdict for fit in verdicts(shifted)] == ["late"] * 3 + ["fits"] * 5


def test_labels_of_two_videos_in_each_others_place(clean):
    clean[1], clean[4] = (replace(a, frames=b.frames, labels=b.labels)
                          for a, b in ((clean[1], clean[4]), (clean[4], clean[1])))
    fits = verdicts(clean)
    assert [i for i, fit in enumerate(fits) if fit.verdict != "fits"] == [1, 4]
    assert "frames of 'v_4'" in fits[1].message and "frames of 'v_1'" in fits[4].message


def test_labels_of_another_rate(clean):
    clean[5] = with_frames(clean[5], np.rint(clean[5].frames * 24 / 25).astype(int))
    clean[2] = with_frames(clean[2], np.rint(clean[2].frames * 1.02).astype(int))
    fits = verdicts(clean)
    assert [i for i, fit in enumerate(fits) if fit.verdict != "fits"] == [2, 5]
    assert "count about 24 frames per second, but there are 25 frames" in fits[5].message
    assert fits[2].verdict == "drifts" and "not 25" in fits[2].message


def test_labels_a_long_way_off(clean):
    clean[0] = with_frames(clean[0], clean[0].frames - 300)
    fit = verdicts(clean)[0]
    assert fit.verdict == "elsewhere" and fit.message.startswith("labels seem about 300 frames (12.0 s) early")


def test_labels_that_belong_nowhere():
    rng = np.random.default_rng(1)
    clean = [made(seed, height=4.0) for seed in range(8)]
    clean[6] = with_frames(clean[6], np.sort(rng.integers(60, NUM_FRAMES - 60, EVENTS)))
    fits = verdicts(clean)
    assert [fit.verdict for fit in fits] == ["fits"] * 6 + ["nowhere"] + ["fits"]


def test_it_is_not_told_where_motion_shows_nothing_or_too_few_are_compared(clean):
    still = [made(seed, height=0.0) for seed in range(8)]
    still[2] = with_frames(still[2], still[2].frames + 30)
    assert {fit.verdict for fit in verdicts(still)} == {"unknown"}
    clean[0] = with_frames(clean[0], clean[0].frames + 30)
    assert {fit.verdict for fit in verdicts(clean[:3])} == {"unknown"}
    assert verdicts([]) == []


def test_labels_that_differ_all_over_are_told_by_their_spread(clean):
    lates = [0, 8, 0, 8, 0, 8, 0, 8]
    fits = verdicts([with_frames(one, one.frames + late) for one, late in zip(clean, lates, strict=True)])
    assert usual_late(fits)[1] > 3
    assert usual_late(verdicts(clean))[1] <= 1


def test_responses_are_weighed_and_random_places_come_out_as_noise():
    rng = np.random.default_rng(0)
    responses = rng.standard_normal((5000, 2))
    places, labels = rng.integers(10, 4990, 40), rng.integers(0, 2, 40)
    weights = np.array([2.0, 0.5])
    lags = np.arange(-200, 201)
    found = at_labels(responses, places, labels, weights, lags)
    assert np.isnan(found[places + lags[0] < 0, 0]).all()
    strength, expected = strengths(found, weights[labels], 8)
    assert abs(strength.mean()) < 0.3 and 0.8 < strength.std() < 1.2
    assert expected.max() == pytest.approx(np.sqrt((weights[labels] ** 2).sum()))
    assert not strengths(found, weights[labels], 41)[0].any()


def test_a_class_counts_if_it_stands_out_in_the_others():
    means, counts = np.array([[2.0, 0.2], [1.0, np.nan]]), np.array([[30, 10], [10, 0]])
    assert class_weights(means, counts).tolist() == [1.75, 0.0]
