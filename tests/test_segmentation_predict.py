from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn import draw_fundus
from torch import Tensor, nn

from retinai.image import fundus_image
from segmentation.predict import predict_map, predict_square


class Green(nn.Module):
    """Not a network: the logit of every class is the normalised green channel, so each pixel's answer is known."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, int]] = []
        self.anchor = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        self.sizes.append((images.shape[2], images.shape[3]))
        return images[:, 1:2].expand(-1, 5, -1, -1) + 0 * self.anchor


def expected(green: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(green / 255 - 0.456) / 0.224))


@pytest.fixture()
def square() -> np.ndarray:
    rng = np.random.default_rng(0)
    pixels = np.zeros((160, 160, 3), np.uint8)
    pixels[40:120] = rng.integers(1, 255, (80, 160, 3))
    return pixels


@pytest.mark.parametrize("views", [1, 2, 4])
@pytest.mark.parametrize("tile", [64, 96, 2048])
def test_every_pixel_keeps_its_place_through_tiles_and_mirrors(square: np.ndarray, views: int, tile: int) -> None:
    probs = predict_square(Green(), square, views=views, tile=tile, precision="no")
    assert probs.shape == (5, 160, 160)
    assert np.allclose(probs[0, 40:120], expected(square[40:120, :, 1]), atol=1e-4)


def test_rows_without_retina_are_not_computed(square: np.ndarray) -> None:
    model = Green()
    probs = predict_square(model, square, precision="no")
    assert model.sizes == [(96, 160)]  # 80 rows of retina, widened to three strides of 32
    assert probs[:, :20].max() == 0


def test_tiles_are_no_larger_than_asked(square: np.ndarray) -> None:
    model = Green()
    predict_square(model, square, tile=64, precision="no")
    assert max(max(size) for size in model.sizes) == 64


def test_map_is_native_and_averages_scales() -> None:
    pixels, _ = draw_fundus(240, 160)
    image = fundus_image(pixels, "drawn")
    one = predict_map(Green(), image, [128], precision="no")
    two = predict_map(Green(), image, [128, 96], precision="no")
    assert one.shape == two.shape == (5, 160, 240) and one.dtype == np.float32
    centre = (slice(0, 1), slice(75, 85), slice(115, 125))
    assert np.allclose(one[centre], expected(image.pixels[75:85, 115:125, 1].mean()), atol=0.05)
    assert np.abs(one[centre] - two[centre]).max() < 0.05 and not (one == two).all()
    assert one[:, 0, 0].max() == 0  # outside the field
