"""Where the first weights come from, with and without a way to download them."""

import pytest
import timm
import torch
import torchvision

from model.architecture import Architecture
from model.pretrained import build_spotter
from util.errors import UserError


@pytest.mark.parametrize("arch", ["rny002_gsm", "rn18"])
def test_insisting_on_imagenet_weights_that_cannot_be_had_says_how_to_go_on(arch, offline):
    with pytest.raises(UserError) as caught:
        build_spotter(Architecture(arch, "gru", 2), "imagenet")
    message = str(caught.value)
    assert f"ImageNet weights for {arch} cannot be downloaded" in message
    assert "--weights none" in message and "--weights FILE" in message and "\n" not in message


@pytest.mark.parametrize("arch", ["rny002_gsm", "rn18"])
def test_auto_warns_loudly_and_starts_from_scratch(arch, offline, capsys):
    spotter, used = build_spotter(Architecture(arch, "gru", 2), "auto")
    assert used == "none" and spotter.architecture.num_classes == 2
    warning = capsys.readouterr().err
    assert "WARNING" in warning and "SCRATCH" in warning and warning.isascii()


@pytest.mark.parametrize("modality", ["bw", "flow"])
def test_other_modalities_start_from_scratch_and_cannot_insist(modality, offline, capsys):
    assert build_spotter(Architecture("rny002", "", 2, modality), "auto")[1] == "none"
    assert not capsys.readouterr().err
    with pytest.raises(UserError, match=f"--modality {modality}; use --weights none"):
        build_spotter(Architecture("rny002", "", 2, modality), "imagenet")


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
