"""The learning rate in the course of a training."""

import math

import pytest

from model.schedule import lr_factor


def test_the_learning_rate_warms_up_from_a_hundredth_and_falls_to_zero_as_a_cosine():
    factors = [lr_factor(update, 10, 50) for update in range(50)]
    assert factors[0] == 0.01 and factors[10] == 1 and max(factors) == 1
    steps = [b - a for a, b in zip(factors[:10], factors[1:11], strict=True)]
    assert all(step == pytest.approx(0.099) for step in steps)
    assert factors[30] == pytest.approx(0.5)
    assert factors[20] == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    assert lr_factor(50, 10, 50) == 0
    assert lr_factor(0, 0, 5) == 1
