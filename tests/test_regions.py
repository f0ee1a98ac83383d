"""Regions: found where most is seen, as small as they may be, and cut out at full size."""

import pytest
import torch
import torch.nn.functional as F

from model.regions import cut_regions, find_regions, halved, saliency


def spot(y: int, x: int, size: int = 7, frames: int = 9) -> torch.Tensor:
    """Maps (1, T, 2, H, W) that are bright in one place."""
    maps = torch.zeros(1, frames, 2, size, size)
    maps[..., y, x] = 5
    return maps


def test_saliency_adds_up_to_one_in_each_frame_about_the_brightest_place():
    place = saliency(spot(1, 5))
    assert place.shape == (1, 9, 56, 56)
    torch.testing.assert_close(place.sum((-2, -1)), torch.ones(1, 9), atol=1e-4, rtol=0)
    top = place.flatten(2).argmax(-1)
    assert all(8 <= place // 56 < 16 and 40 <= place % 56 < 48 for place in top[0].tolist())


def test_the_smallest_square_that_holds_enough_is_taken_about_its_middle():
    centres, sides = find_regions(saliency(spot(1, 5)), 112, (448, 448), 0.3)
    assert (sides == 112).all()
    middle = torch.tensor([1.5 / 7, 5.5 / 7]).expand(1, 9, 2)
    torch.testing.assert_close(centres, middle, atol=0.05, rtol=0)
    _, wider = find_regions(saliency(spot(1, 5) + torch.rand(1, 9, 2, 7, 7)), 112, (448, 448), 0.9)
    assert (wider > 112).all()
    _, most = find_regions(saliency(torch.rand(1, 9, 2, 7, 7)), 112, (448, 448), 1.0)
    assert (most == 420).all()  # nothing holds all of it: the largest


def test_window_sums_are_what_a_loop_gives():
    torch.manual_seed(0)
    place = saliency(torch.rand(1, 2, 3, 3, 4))
    centres, sides = find_regions(place, 28, (96, 128), 0.2)
    for t in range(2):
        for size in range(28, 96, 28):
            half = [int(size / of * cells) // 2 for of, cells in ((96, 24), (128, 32))]
            rows = [slice(max(0, y - half[0]), y + half[0] + 1) for y in range(24)]
            columns = [slice(max(0, x - half[1]), x + half[1] + 1) for x in range(32)]
            sums = torch.tensor([[place[0, t, row, column].sum() for column in columns] for row in rows])
            if sums.max() > 0.2:
                assert sides[0, t] == size
                y, x = round(centres[0, t, 0].item() * 24), round(centres[0, t, 1].item() * 32)
                torch.testing.assert_close(sums[y, x], sums.max())
                break


def test_a_square_is_cut_out_within_the_frame_and_brought_to_one_size():
    frames = torch.arange(2 * 20 * 30.0).view(1, 2, 1, 20, 30)
    centres = torch.tensor([[[0.5, 0.5], [0.0, 1.0]]])
    cut = cut_regions(frames, centres, torch.tensor([[8, 8]]), (8, 8))
    torch.testing.assert_close(cut[0, 0, 0], frames[0, 0, 0, 6:14, 11:19])
    torch.testing.assert_close(cut[0, 1, 0], frames[0, 1, 0, 0:8, 21:29])
    mixed = cut_regions(frames, centres, torch.tensor([[8, 16]]), (8, 8))
    torch.testing.assert_close(mixed[0, 0], cut[0, 0])
    assert mixed.shape == (1, 2, 1, 8, 8) and mixed[0, 1].mean() > frames[0, 1, 0, 0:8, 13:29].mean()


@pytest.mark.parametrize("size", [(4, 6), (30, 44)])
def test_half_the_size_is_what_antialiasing_makes_of_it(size):
    torch.manual_seed(0)
    for layout in (torch.contiguous_format, torch.channels_last):
        frames = torch.randn(3, 3, *size).contiguous(memory_format=layout)
        resized = F.interpolate(frames, (size[0] // 2, size[1] // 2), mode="bilinear", antialias=True)
        torch.testing.assert_close(halved(frames), resized, atol=1e-6, rtol=1e-5)


def test_a_square_as_large_as_the_frame_is_the_frame():
    frames = torch.randn(1, 2, 3, 8, 8)
    cut = cut_regions(frames, torch.tensor([[[0.5, 0.5], [0.0, 1.0]]]), torch.tensor([[8, 8]]), (8, 8))
    assert torch.equal(cut, frames)
