from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import draw_fundus, draw_idrid
from torch import nn

from retinai.fit import Fit
from retinai.image import fundus_image
from retinai.lesions import SEGMENTED
from retinai.readers.idrid import read_segmentation
from retinai.readers.record import Record
from segmentation.cache import ALARMS, build_cache, mask_targets
from segmentation.marks import with_marks
from segmentation.patches import Patches
from segmentation.selftrain import Mixed, false_alarms, pseudo_targets, ruled_out

FOCUS = {"MA": 1.0, "HE": 1.0, "EX": 1.0, "SE": 1.0, "OD": 1.0}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = draw_idrid(tmp_path_factory.mktemp("idrid"))
    return build_cache(read_segmentation(root, "train"), root / "cache", 128, mask_targets, lambda done: None)


def patches(files: list[Path], **changes: object) -> Patches:
    options = {"crop": 64, "side": 128, "zoom": (0.8, 1.2), "focus": FOCUS, "length": 40, "seed": 3}
    return Patches(files, **(options | changes))  # type: ignore[arg-type]


def test_cache_holds_colours_and_shares(files: list[Path]) -> None:
    square = np.load(files[0])
    assert square.shape == (128, 128, 8) and square.dtype == np.uint8
    disc = square[..., 3 + SEGMENTED.index("OD")] > 127
    assert square[disc][:, 0].mean() > 230 and 250 < disc.sum() < 500  # a bright circle of radius 11 or so
    missing = np.load(files[1])[..., 3 + SEGMENTED.index("SE")]
    assert missing.max() == 0  # photograph 2 has no mask file: absent, not an error


def test_cache_is_built_once(files: list[Path]) -> None:
    before = files[0].stat().st_mtime_ns
    root = files[0].parents[1]
    again = build_cache(read_segmentation(root, "train"), root / "cache", 128, mask_targets, lambda done: None)
    assert again == files and files[0].stat().st_mtime_ns == before


def test_crop_is_the_same_for_the_same_seed_and_number_only(files: list[Path]) -> None:
    first, second = patches(files)[7], patches(files)[7]
    assert (first[0] == second[0]).all() and (first[1] == second[1]).all()
    assert not (patches(files)[8][0] == first[0]).all()
    assert not (patches(files, seed=4)[7][0] == first[0]).all()


def test_crops_show_the_class_they_are_focused_on(files: list[Path]) -> None:
    only = patches(files, focus={"SE": 1.0})
    channel = SEGMENTED.index("SE")
    assert np.mean([only[i][1][..., channel].max() > 0.5 for i in range(20)]) == 1.0


def test_crop_has_colours_and_soft_targets(files: list[Path]) -> None:
    image, target = patches(files)[0]
    assert image.shape == (64, 64, 3) and image.dtype == np.uint8
    assert target.shape == (64, 64, 5) and target.dtype == np.float32 and target.min() >= 0 and target.max() <= 1


def test_zoom_enlarges_lesions(files: list[Path]) -> None:
    def area(zoom: float) -> float:
        some = patches(files, zoom=(zoom, zoom), focus={"HE": 1.0})
        return float(np.median([some[i][1][..., SEGMENTED.index("HE")].sum() for i in range(16)]))

    assert 2.5 < area(1.6) / area(0.8) < 5.5


def test_mixed_takes_its_share_and_repeats_itself(files: list[Path]) -> None:
    plain, other = patches(files, length=400), patches(files, length=400, seed=9)
    mixed = Mixed(plain, other, 0.25, seed=0)
    taken = [bool((mixed[i][0] == other[i][0]).all()) for i in range(0, 400, 4)]
    assert 0.1 < np.mean(taken) < 0.4
    assert (mixed[5][0] == Mixed(plain, other, 0.25, seed=0)[5][0]).all()


@pytest.mark.parametrize(
    ("grade", "dme", "excluded"),
    [(0, 0, {"MA", "HE", "EX", "SE"}), (1, 0, {"HE", "EX", "SE"}), (2, 0, {"EX"}), (2, 1, set()), (4, None, set()), (None, None, set())],
)
def test_labels_rule_out_lesions(grade: int | None, dme: int | None, excluded: set[str]) -> None:
    assert ruled_out(Record("x", "train", Path("x.jpg"), "idrid", grade=grade, dme=dme)) == excluded


def test_the_teacher_labels_all_but_what_is_ruled_out() -> None:
    image = fundus_image(draw_fundus()[0], "drawn")
    fit = Fit.of(image.field, 96)
    teach = pseudo_targets(Everything(), "no")
    free, none = teach(Record("x", "train", Path("x.jpg"), "idrid", grade=3, dme=2), image, fit)
    healthy, alarms = teach(Record("x", "train", Path("x.jpg"), "idrid", grade=0, dme=0), image, fit)
    assert free.shape == (96, 96, 5) and (free[48, 48] > 200).all()
    assert healthy[..., :4].max() == 0 and healthy[48, 48, SEGMENTED.index("OD")] > 200
    assert len(none) == 0 and alarms.shape == (4, 2)  # one place for each lesion class that the teacher saw everywhere


def test_false_alarms_are_connected_pieces_with_their_centres() -> None:
    probs = np.zeros((2, 20, 30), np.float32)
    probs[0, 2:5, 10:13], probs[1, 15, 20], probs[1, 0, 0] = 0.9, 0.2, 0.1
    assert false_alarms(probs).tolist() == [[3, 11], [15, 20]]


def test_crops_are_cut_where_the_teacher_was_wrong(files: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "healthy.npy"
    square = np.zeros((128, 128, 8), np.uint8)
    square[..., :3] = 90
    square[96:104, 24:32, 1] = 200  # what the teacher took for a lesion
    np.save(file, square)
    with file.with_suffix(ALARMS).open("wb") as stored:
        np.save(stored, np.array([[100.0, 28.0]]))
    crops = patches([file], focus={"alarm": 1.0}, crop=32)
    bright = [crops[i][0][..., 1].max() > 150 for i in range(20)]
    assert np.mean(bright) > 0.9
    assert "alarm" not in patches(files, focus={"alarm": 1.0, "OD": 1.0}).focus


def test_marks_darken_pieces_of_crops_and_only_those_asked_for(files: list[Path]) -> None:
    plain, marked = patches(files, marks=0.0), patches(files, marks=1.0)
    rng = np.random.default_rng(1)
    grey = np.full((64, 64, 3), 120, np.uint8)
    drawn = with_marks(grey, None, rng)
    assert drawn.min() < 118 and drawn.max() == 120 and (drawn[..., 0] == drawn[..., 1]).all()
    black = with_marks(np.zeros((64, 64, 3), np.uint8), None, rng)
    assert not black.any()
    assert any((plain[i][0] != marked[i][0]).any() for i in range(5))
    assert (marked[3][0] == patches(files, marks=1.0)[3][0]).all()


class Everything(nn.Module):
    """A teacher that sees every class everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.full((1,), 3.0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.anchor.expand(len(images), 5, *images.shape[2:]).clone()
