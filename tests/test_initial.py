"""Starting from a trained network: what is kept by name of class, what is new, and what is said of it."""

import pytest
import torch
from conftest import complaint

from model.architecture import TEMPORAL_ARCHS, Architecture, Regions
from model.initial import start_from
from model.spotter import EventSpotter

FIELDS = {"clip_len": 12}


def spotter(head="gru", classes=2, seed=0, arch="rny002_gsm", **options):
    torch.manual_seed(seed)
    return EventSpotter(Architecture(arch, head, classes, **{**FIELDS, **options})).eval()


def scores(network):
    torch.manual_seed(9)
    with torch.inference_mode():
        return network(torch.randint(256, (1, 12, 3, 32, 32), dtype=torch.uint8)).logits


@pytest.mark.parametrize("head", TEMPORAL_ARCHS)
def test_the_same_classes_in_another_order_are_scored_as_before(head):
    source, new = spotter(head), spotter(head, seed=1)
    said = start_from(new, source, ["B", "A"], ["A", "B"])
    torch.testing.assert_close(scores(new), scores(source)[..., [0, 2, 1]], atol=1e-4, rtol=1e-4)
    assert said[-1] == "classes: B, A kept" and "new" not in " ".join(said)


@pytest.mark.parametrize("head", ["gru", "mstcn", "asformer"])
def test_rows_of_equal_names_are_kept_and_the_others_new_in_every_stage(head):
    source, new, untouched = spotter(head), spotter(head, 3, 1), spotter(head, 3, 1)
    said = start_from(new, source, ["C", "B", "D"], ["A", "B"])
    assert said[-1] == "classes: B kept; C, D new"
    found = 0
    for key, value in new.head.state_dict().items():
        first, old = untouched.head.state_dict()[key], source.head.state_dict()[key]
        if value.shape == old.shape:
            assert torch.equal(value, old)
            continue
        found += 1
        dim = next(d for d in range(value.dim()) if value.shape[d] != old.shape[d])
        for place, of_old in ((0, 0), (1, None), (2, 2), (3, None)):
            expected = first.select(dim, place) if of_old is None else old.select(dim, of_old)
            assert torch.equal(value.select(dim, place), expected), key
    assert found == {"gru": 2, "mstcn": 8, "asformer": 11}[head]


def test_without_names_no_class_is_kept_and_it_says_how_to_name_them():
    source, new = spotter(), spotter(seed=1)
    before = new.head.classify.weight.clone()
    assert "A, B new (nothing names" in start_from(new, source, ["A", "B"], None)[-1]
    assert torch.equal(new.head.classify.weight, before) and torch.equal(
        new.head.gru.weight_hh_l0, source.head.gru.weight_hh_l0)


def test_another_head_is_new_and_the_backbone_kept():
    source, new = spotter(), spotter("mstcn", seed=1)
    backbone, head = start_from(new, source, ["A", "B"], ["A", "B"])
    assert "kept" in backbone and "new" not in backbone and head.startswith("head: new")
    layers = [spotter("ed_sgp_mixer", n_layers=n, shift_stages="34") for n in (1, 2)]
    assert start_from(*layers, ["A", "B"], ["A", "B"])[-1].startswith("head: new")


def test_learned_positions_of_another_clip_length_are_interpolated():
    source, new = spotter("ed_sgp_mixer", clip_len=12), spotter("ed_sgp_mixer", seed=1, clip_len=23)
    assert "learned positions: interpolated from 12 to 23 frames" in start_from(new, source, ["A"], ["A", "B"])
    torch.testing.assert_close(new.head.positions[::2], source.head.positions)
    between = (source.head.positions[3] + source.head.positions[4]) / 2
    torch.testing.assert_close(new.head.positions[7], between)


def test_further_outputs_are_kept_new_or_left_out():
    source = spotter(radi_displacement=2, joint_classes=2)
    new = spotter(seed=1, radi_displacement=4, event_team=True)
    assert start_from(new, source, ["A"], ["A", "B"])[1] == "head: layers, displacement kept; team new; joint left out"
    assert torch.equal(new.head.further.displacement.weight, source.head.further.displacement.weight)
    again = spotter(seed=1, joint_classes=2)
    assert "joint new" in start_from(again, source, ["A"], ["A", "B"], joint=False)[1]
    assert not torch.equal(again.head.further.joint.weight, source.head.further.joint.weight)


def test_one_cnn_serves_for_both_of_a_backbone_with_regions_and_the_other_way_round():
    plain, regions = spotter(seed=1), spotter(regions=Regions(16), seed=2)
    start_from(regions, plain, ["A"], ["A", "B"])
    for key, value in plain.backbone.cnn.state_dict().items():
        assert torch.equal(regions.backbone.low.cnn.state_dict()[key], value)
        assert torch.equal(regions.backbone.high.cnn.state_dict()[key], value)
    back = spotter(seed=3)
    start_from(back, regions, ["A"], ["A", "B"])
    assert torch.equal(back.backbone.cnn.stem.conv.weight, plain.backbone.cnn.stem.conv.weight)


def test_other_temporal_layers_leave_the_convolutions():
    source, new = spotter(arch="rny002_tsm"), spotter(seed=1, arch="rny002_gsf")
    assert " new" in start_from(new, source, ["A"], ["A", "B"])[0]
    convs = [[m.weight for name, m in net.named_modules() if isinstance(m, torch.nn.Conv2d) and ".shift" not in name]
             for net in (source.backbone.cnn, new.backbone.cnn)]
    assert len(convs[0]) == len(convs[1]) and all(map(torch.equal, *convs))


def test_another_cnn_is_refused_in_a_line():
    assert "nothing of rn18_tsm + gru fits rny002_gsm + gru" in complaint(
        start_from, spotter(), spotter(arch="rn18_tsm"), ["A"], ["A", "B"])
