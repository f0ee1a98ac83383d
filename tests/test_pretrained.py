"""Where the first weights come from, with and without a way to download them."""

import pytest
import timm
import torch
import torchvision

from model.architecture import Architecture
from model.folder import untrained
from model.pretrained import build_spotter
from util.errors import UserError


@pytest.mark.parametrize(("arch", "file"), [("rny002_gsm", "regnety_002.pycls_in1k/resolve/main/model.safetensors"),
                                            ("rn18", "/resnet18-f37072fd.pth")])
@pytest.mark.parametrize("weights", ["auto", "imagenet"])
def test_imagenet_weights_that_cannot_be_had_end_with_their_file_and_how_to_go_on(arch, file, weights, offline):
    with pytest.raises(UserError) as caught:
        build_spotter(Architecture(arch, "gru", 2), weights)
    message = str(caught.value)
    assert f"ImageNet weights for {arch} cannot be downloaded" in message and f"{file} elsewhere" in message
    assert "--weights none" in message and "--weights FILE" in message and "\n" not in message


@pytest.mark.parametrize("modality", ["bw", "flow"])
def test_other_modalities_start_from_scratch_and_cannot_insist(modality, offline):
    assert build_spotter(Architecture("rny002", "", 2, modality), "auto")[1] == "none"
    with pytest.raises(UserError, match=f"--modality {modality}; use --weights none"):
        build_spotter(Architecture("rny002", "", 2, modality), "imagenet")


@pytest.mark.parametrize(("modality", "weights", "init", "nothing"), [
    ("rgb_diff", "auto", None, False), ("rgb", "imagenet", None, False), ("rgb", "none", None, True),
    ("bw", "auto", None, True), ("flow", "auto", None, True), ("bw", "a.pth", None, False),
    ("bw", "auto", "out", False),
])
def test_it_is_known_which_trainings_begin_with_a_random_cnn(modality, weights, init, nothing):
    assert untrained({"modality": modality, "weights": weights, "init": init}) == nothing


def test_imagenet_weights_go_into_the_backbone_with_its_shifts(offline):
    torch.manual_seed(1)
    published = torchvision.models.resnet18()
    cache = offline / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(published.state_dict(), cache / "resnet18-f37072fd.pth")
    for weights in ("auto", "imagenet"):
        spotter, used = build_spotter(Architecture("rn18_gsm", "", 2), weights)
        assert used == "imagenet"
        assert torch.equal(spotter.backbone.cnn.layer3[1].conv1.net.weight, published.layer3[1].conv1.weight)


def test_a_file_can_be_given_and_is_named(tmp_path):
    torch.manual_seed(1)
    published = timm.create_model("regnety_002")
    torch.save(published.state_dict(), tmp_path / "a.pth")
    spotter, used = build_spotter(Architecture("rny002_tsm", "", 2), str(tmp_path / "a.pth"))
    assert used == str(tmp_path / "a.pth")
    assert torch.equal(spotter.backbone.cnn.stem.conv.weight, published.stem.conv.weight)
    with pytest.raises(UserError, match="b.pth: no such file"):
        build_spotter(Architecture("rny002", "", 2), str(tmp_path / "b.pth"))


def test_what_is_beside_the_colours_is_not_looked_at_until_it_is_learned(tmp_path, offline):
    torch.manual_seed(1)
    published = timm.create_model("regnety_002")
    torch.save(published.state_dict(), tmp_path / "a.pth")
    spotter, _ = build_spotter(Architecture("rny002", "", 2, "rgb_diff"), str(tmp_path / "a.pth"))
    weight = spotter.backbone.cnn.stem.conv.weight
    assert torch.equal(weight[:, :3], published.stem.conv.weight) and not weight[:, 3:].any()

    cache = offline / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    resnet = torchvision.models.resnet18()
    torch.save(resnet.state_dict(), cache / "resnet18-f37072fd.pth")
    first = build_spotter(Architecture("rn18", "", 2, "rgb_diff"), "imagenet")[0].backbone.cnn.conv1
    assert torch.equal(first.weight[:, :3], resnet.conv1.weight) and not first.weight[:, 3:].any()
    assert first.in_channels == 5
