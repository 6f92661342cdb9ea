from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from retinai.lesions import SEGMENTED
from segmentation.detector import LesionDetector, Pooled
from segmentation.fast import Clipped, speed_up
from segmentation.model import build_model, channels_last, inference_model
from segmentation.norms import fold_norms
from segmentation.predict import predict_square
from segmentation.unet import UNet
from segmentation.weights import BUNDLED, FILE, load_into, read_card

ROOT = Path(__file__).resolve().parents[1]
CARD = read_card(BUNDLED)
NEEDLESS = ("segmentation_models_pytorch", "timm", "torchvision", "torch._dynamo", "sympy", "sklearn", "scipy", "transformers", "peft")


def bundled(own: bool) -> torch.nn.Module:
    """The bundled weights in our U-Net or in smp's, in evaluation mode."""
    build = inference_model if own else build_model
    model = build(CARD["encoder"], CARD["decoder_channels"]).eval()
    load_into(model, BUNDLED / FILE)
    return model


@pytest.fixture(scope="module")
def square() -> np.ndarray:
    """A strip of a photograph, of more rows than a band of the finest stage has."""
    with Image.open(ROOT / "examples" / "IDRiD_18.jpg") as photograph:
        return np.asarray(photograph.resize((912, 608)))[:, 512:608]


def test_ours_has_the_names_of_smp_and_computes_the_same() -> None:
    ours, theirs = bundled(own=True), bundled(own=False)
    assert isinstance(ours, UNet) and not isinstance(theirs, UNet)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    torch.manual_seed(0)
    images = torch.randn(2, 3, 544, 64)  # two bands
    with torch.inference_mode():
        assert torch.allclose(ours(images), theirs(images), rtol=0, atol=1e-6 * 80)


def test_the_map_of_the_fast_network_is_that_of_smp_to_the_bit(square: np.ndarray) -> None:
    ours, theirs = channels_last(speed_up(bundled(own=True))), bundled(own=False)
    fold_norms(theirs)
    theirs = channels_last(theirs)
    with Pooled(ours) as our_features:
        found = predict_square(ours, square)
    with Pooled(theirs) as their_features:
        expected = predict_square(theirs, square)
    assert expected.max() > 0.5
    assert np.array_equal(found, expected) and np.array_equal(our_features.vector(), their_features.vector())


def test_every_relu_behind_a_folded_norm_is_part_of_its_convolution() -> None:
    network = speed_up(bundled(own=True))
    assert sum(isinstance(module, Clipped) for module in network.modules()) == 28  # stem, 16 widened, the deepest, 10 of the decoder
    assert sum(isinstance(module, torch.nn.ReLU6) for module in network.modules()) == 17 + 18  # behind depthwise norms, and to fall back on


def test_in_other_precisions_and_with_gradients_a_clipped_convolution_is_the_plain_one() -> None:
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.Identity(), torch.nn.ReLU6())
    images = 9 * torch.randn(1, 3, 16, 16)
    fused = Clipped(plain[0], plain[2])
    with torch.inference_mode():
        assert torch.equal(fused(images), plain(images))
    fused(images.requires_grad_()).sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def test_other_encoders_and_depths_come_from_smp() -> None:
    assert not isinstance(inference_model("resnet18", (32, 16, 16, 8, 8)), UNet)
    assert not isinstance(inference_model("mobilenet_v2", (16, 8, 8)), UNet)
    assert inference_model("mobilenet_v2", (16, 16, 16, 8, 8))(torch.zeros(1, 3, 32, 64)).shape == (1, len(SEGMENTED), 32, 64)


def test_the_detector_runs_the_fast_network() -> None:
    detector = LesionDetector.load(device="cpu")
    assert isinstance(detector.model, UNet) and any(isinstance(module, Clipped) for module in detector.model.modules())


def test_explain_loads_nothing_that_it_does_not_use() -> None:
    code = (
        "import json, sys; from retinai.cli import app\n"
        f"app(['explain', {str(ROOT / 'examples' / 'IDRiD_18.jpg')!r}, '--vlm', 'none', '--json'], standalone_mode=False)\n"
        f"print([name for name in {NEEDLESS} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    document, loaded = done.stdout.splitlines()
    assert '"gradable": true' in document and '"second": {"grade"' in document
    assert loaded == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted on Linux, and memory is kept with glibc")
def test_memory_that_was_freed_is_used_again() -> None:
    code = (
        "import resource, segmentation, numpy\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "def use(times): [numpy.ones(2**26, numpy.uint8).max() for _ in range(times)]\n"
        "use(9); before = faults(); use(9); print(faults() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500  # without it thousands, of huge pages or small ones
