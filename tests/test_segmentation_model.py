from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from retinai.errors import WeightsError
from segmentation.losses import focal_tversky_loss, lesion_loss, soft_dice_loss
from segmentation.model import build_model, load_encoder, normalise
from segmentation.norms import fold_norms, freeze_norms, measure_norms, quiet_norms, unfold_batch_norms
from segmentation.weights import blend, load_into, read_card, save_weights


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return build_model("mobilenet_v2", (32, 16, 16, 8, 8)).eval()


def test_one_logit_per_class_and_pixel(model: torch.nn.Module) -> None:
    assert model(torch.zeros(2, 3, 64, 96)).shape == (2, 5, 64, 96)


def test_normalise_gives_zero_for_the_imagenet_mean() -> None:
    mean = torch.tensor([0.485, 0.456, 0.406]) * 255
    out = normalise(mean.round().to(torch.uint8).expand(1, 2, 2, 3))
    assert out.shape == (1, 3, 2, 2) and out.abs().max() < 0.02


def test_unfolding_keeps_the_function_and_survives_training_mode() -> None:
    torch.manual_seed(1)
    encoder = build_model("mobilenet_v2", (32, 16, 16, 8, 8)).get_submodule("encoder")
    images = torch.randn(4, 3, 64, 64)
    before = encoder.eval()(images)[-1]
    folded_training = encoder.train()(images)[-1]
    for norm in (m for m in encoder.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        norm.reset_running_stats()
    assert unfold_batch_norms(encoder, images) == 52
    after, training = encoder.eval()(images)[-1], encoder.train()(images)[-1]
    assert torch.allclose(before, after, atol=1e-4)
    scale = before.abs().mean()
    assert (training - before).abs().mean() < 0.1 * scale < (folded_training - before).abs().mean()
    assert unfold_batch_norms(encoder, images) == 0  # nothing left to unfold


def test_frozen_norms_keep_their_statistics_while_the_rest_trains(model: torch.nn.Module) -> None:
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    before = [norm.running_mean.clone() for norm in norms if norm.running_mean is not None]
    model.train()
    freeze_norms(model)
    model(torch.randn(2, 3, 64, 64) * 9)
    assert all(torch.equal(a, b.running_mean) for a, b in zip(before, norms, strict=True) if b.running_mean is not None)
    model.eval()


def test_measured_norms_are_those_of_the_batches() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    batches = [torch.full((2, 3, 4, 4), 1.0), torch.full((2, 3, 4, 4), 3.0)]
    measure_norms(network, iter(batches))
    norm = network[0]
    assert isinstance(norm, torch.nn.BatchNorm2d) and norm.running_mean is not None
    assert norm.running_mean.tolist() == [2.0, 2.0, 2.0] and not network.training


def test_folding_keeps_the_function_and_the_depthwise_kernels() -> None:
    torch.manual_seed(2)
    network = build_model("mobilenet_v2", (8, 8, 8, 8, 8)).eval()
    images = torch.randn(1, 3, 64, 64)
    measure_norms(network, iter([images * 2, images]))
    before, kernels = network(images), {k: v.clone() for k, v in network.state_dict().items() if v.ndim == 4 and v.shape[1] == 1}
    fold_norms(network)
    assert torch.allclose(network(images), before, atol=1e-3 * before.abs().max().item())
    assert sum(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules()) == 17  # one for each depthwise convolution
    assert all(torch.equal(network.state_dict()[name], kernel) for name, kernel in kernels.items())


def test_a_constant_channel_does_not_amplify_rounding() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(2)).eval()
    norm = network[0]
    assert isinstance(norm, torch.nn.BatchNorm2d) and norm.running_var is not None and norm.running_mean is not None
    norm.running_mean[:], norm.running_var[:] = 6.0, torch.tensor([1e-12, 0.25])
    rounded = torch.full((1, 2, 4, 4), 6.0) * (1 + 2**-9)
    assert network(rounded)[0, 0].abs().max() > 3  # a rounding error shows as three standard deviations
    assert quiet_norms(network) == 1
    assert network(rounded)[0, 0].abs().max() < 0.02 and norm.running_var[1] == 0.25


def test_encoder_weights_that_do_not_fit_are_named(tmp_path: Path, model: torch.nn.Module) -> None:
    save_file({"features.0.0.weight": torch.zeros(32, 3, 3, 3)}, tmp_path / "few.safetensors")
    with pytest.raises(WeightsError, match="tensors missing, such as features"):
        load_encoder(model.get_submodule("encoder"), tmp_path / "few.safetensors")
    with pytest.raises(WeightsError, match="no encoder weights at"):
        load_encoder(model.get_submodule("encoder"), tmp_path / "none.safetensors")


def test_a_blend_lies_between_its_ends(tmp_path: Path) -> None:
    ends = [build_model("mobilenet_v2", (8, 8, 8, 8, 8)).eval() for _ in range(2)]
    save_weights(ends[0], tmp_path, {"encoder": "mobilenet_v2"})
    name = "segmentation_head.0.weight"
    first, second = (end.state_dict()[name].clone() for end in ends)
    blend(ends[1], tmp_path / "lesions.safetensors", 0.25)
    assert torch.allclose(ends[1].state_dict()[name], 0.25 * first + 0.75 * second, atol=1e-3)


def test_weights_round_trip_within_half_precision_and_checksum(tmp_path: Path, model: torch.nn.Module) -> None:
    save_weights(model, tmp_path, {"encoder": "mobilenet_v2", "decoder_channels": [32, 16, 16, 8, 8], "sides": [64]})
    again = build_model("mobilenet_v2", (32, 16, 16, 8, 8)).eval()
    load_into(again, tmp_path / "lesions.safetensors")
    images = torch.randn(1, 3, 64, 64)
    assert torch.allclose(model(images), again(images), atol=2e-2)
    exact = [name for name, value in model.state_dict().items() if value.ndim < 2 or value.shape[1] == 1]
    assert any("conv.1.0.weight" in name for name in exact)  # depthwise kernels, which do not bear rounding
    assert all(torch.equal(model.state_dict()[name], again.state_dict()[name]) for name in exact)
    assert read_card(tmp_path)["encoder"] == "mobilenet_v2"
    (tmp_path / "lesions.safetensors").write_bytes(b"altered")
    with pytest.raises(WeightsError, match="does not match the checksum"):
        read_card(tmp_path)


def test_weights_of_another_width_are_refused(tmp_path: Path, model: torch.nn.Module) -> None:
    save_weights(model, tmp_path, {})
    with pytest.raises(WeightsError, match="does not fit the model"):
        load_into(build_model("mobilenet_v2", (16, 16, 16, 8, 8)), tmp_path / "lesions.safetensors")


def _target() -> torch.Tensor:
    target = torch.zeros(1, 5, 16, 16)
    target[:, :, 4:6, 4:6] = 1
    return target


def test_losses_order_good_before_empty_before_inverted() -> None:
    target = _target()
    good, empty, inverted = (torch.logit(p.clamp(0.01, 0.99)) for p in (target, torch.zeros_like(target), 1 - target))
    assert lesion_loss(good, target) < lesion_loss(empty, target) < lesion_loss(inverted, target)
    for loss in (soft_dice_loss, focal_tversky_loss):
        assert loss(target, target).item() == pytest.approx(0, abs=1e-4)
        assert loss(target, target) < loss(target * 0.3, target) < loss(torch.zeros_like(target), target)


def test_a_class_that_is_nowhere_in_the_batch_is_left_to_the_cross_entropy() -> None:
    target, doubt = _target(), torch.full((1, 5, 16, 16), 0.05)
    target[:, 3] = 0
    doubt[:, :3] = target[:, :3]
    doubt[:, 4:] = target[:, 4:]
    assert soft_dice_loss(doubt, target).item() == pytest.approx(0, abs=1e-4)
    assert soft_dice_loss(doubt, torch.zeros_like(target)).item() == 0
    assert lesion_loss(torch.logit(doubt.clamp(1e-4, 0.9999)), target) > lesion_loss(torch.logit(target.clamp(1e-4, 0.9999)), target)


def test_tversky_punishes_a_miss_more_than_a_false_alarm() -> None:
    target = _target()
    missing, extra = target.clone(), target.clone()
    missing[:, :, 4, 4] = 0
    extra[:, :, 8, 8] = 1
    assert focal_tversky_loss(missing, target) > focal_tversky_loss(extra, target)


def test_each_weight_of_the_loss_counts() -> None:
    logits, target = torch.zeros(1, 5, 16, 16), _target()
    both = lesion_loss(logits, target, 2.0, 1.0).item()
    assert both == pytest.approx(2 * np.log(2) + lesion_loss(logits, target, 0.0, 1.0).item(), abs=1e-5)
