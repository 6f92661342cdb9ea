from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from drawn_camera import SIZE, SPECKS, draw_clinic, draw_eye, dust
from PIL import Image
from typer.testing import CliRunner

from fusion.regions import find_regions
from retinai.camera.candidates import DARK, MarkJudge
from retinai.camera.divide import divide
from retinai.camera.learn import LEAST, learn
from retinai.camera.picture import picture, summary
from retinai.camera.profile import CameraProfile, bundled_profiles, choose_profiles, load_profile
from retinai.camera.sessions import fold, inliers, keypoints, sessions
from retinai.cli import app
from retinai.errors import DataError
from retinai.image import fundus_image, read_photograph
from retinai.types import Landmarks
from segmentation.detector import LesionDetector

EXAMPLE = Path(__file__).parents[1] / "examples" / "IDRiD_18.jpg"
HEIGHT, WIDTH = SIZE


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return draw_clinic(tmp_path_factory.mktemp("clinic"))


@pytest.fixture(scope="module")
def profile(clinic: list[Path]) -> CameraProfile:
    return learn(clinic, lambda done: None, "drawn")


def darkness(pixels: np.ndarray, x: int, y: int) -> float:
    """How much darker a place is than the ring around it, log light of green."""
    green = np.log(pixels[..., 1].astype(float) + 4)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    distance = np.hypot(rows - y, columns - x)
    return float(np.median(green[(distance > 9) & (distance < 14)]) - green[distance < 2.5].mean())


def test_every_speck_is_found_at_its_place_with_its_depth(profile: CameraProfile) -> None:
    for x, y, _, depth in SPECKS:
        nearest = min(profile.marks, key=lambda mark: np.hypot(mark.x * WIDTH - x, mark.y * HEIGHT - y))
        assert np.hypot(nearest.x * WIDTH - x, nearest.y * HEIGHT - y) < 2
        assert nearest.depth == pytest.approx(depth, abs=0.4 * depth)


def test_hardly_anything_else_is_taken_for_a_mark(profile: CameraProfile, tmp_path: Path) -> None:
    assert sum(mark.depth > 0.1 for mark in profile.marks) == len(SPECKS)
    clean = learn(draw_clinic(tmp_path / "clean", lens=False), lambda done: None)
    assert all(mark.depth < 0.06 for mark in clean.marks) and len(clean.marks) <= 5


def test_a_new_eye_behind_the_lens_is_read_without_the_specks(profile: CameraProfile) -> None:
    dusty, clean = draw_eye(100), draw_eye(100, lens=False)
    divided = divide(fundus_image(dusty, "new"), [profile])
    assert divided.amplitude == pytest.approx(1, abs=0.3)
    at = dust() > 0.1
    before, after = (np.abs(pixels[at].astype(float) - clean[at]).mean() for pixels in (dusty, divided.image.pixels))
    assert after < 0.45 * before


def test_a_lesion_under_a_mark_survives(profile: CameraProfile) -> None:
    x, y, _, _ = SPECKS[2]
    under, plain = (bleed(draw_eye(101, lens), x, y) for lens in (True, False))
    divided = divide(fundus_image(under, "under"), [profile])
    assert darkness(divided.image.pixels, x, y) > 0.7 * darkness(plain, x, y) > 0.3


def test_an_eye_behind_a_clean_lens_is_left_as_it_is(profile: CameraProfile) -> None:
    image = fundus_image(draw_eye(102, lens=False), "clean")
    divided = divide(image, [profile])
    assert divided.profile is profile and not divided.marked
    assert divided.amplitude < 0.25 and (divided.image.pixels == image.pixels).all()


def test_another_camera_is_left_alone(profile: CameraProfile) -> None:
    image = fundus_image(draw_eye(103, radius=110), "another")
    divided = divide(image, [profile])
    assert divided.profile is None and divided.record() is None and divided.image is image


def test_pixels_without_a_mark_stay_to_the_bit_and_the_border_black(profile: CameraProfile) -> None:
    image = fundus_image(draw_eye(104), "new")
    divided = divide(image, [profile])
    far = divided.depth_map() == 0
    assert far.mean() > 0.8 and (divided.image.pixels[far] == image.pixels[far]).all()
    assert not divided.image.pixels[~image.field].any()


def test_the_depth_map_is_where_the_light_was_taken(profile: CameraProfile) -> None:
    depth = divide(fundus_image(draw_eye(105), "new"), [profile]).depth_map()
    assert depth.shape == SIZE and depth.min() >= 0 and depth.max() < 0.6
    shares = [depth[y, x] / taken for x, y, _, taken in SPECKS]
    assert np.median(shares) == pytest.approx(0.85, abs=0.3) and min(shares) > 0.2


def test_a_larger_copy_is_divided_alike(profile: CameraProfile) -> None:
    small = draw_eye(106)
    large = np.asarray(Image.fromarray(small).resize((WIDTH * 3, HEIGHT * 3), Image.Resampling.BICUBIC))
    divided = divide(fundus_image(large, "large"), [profile])
    back = np.asarray(Image.fromarray(divided.image.pixels).resize((WIDTH, HEIGHT), Image.Resampling.BOX)).astype(float)
    one = divide(fundus_image(small, "small"), [profile]).image.pixels.astype(float)
    at = dust() > 0.1
    assert np.abs(back[at] - one[at]).mean() < 4


def test_a_profile_is_the_same_file_read_or_written_again(profile: CameraProfile, tmp_path: Path) -> None:
    profile.save(tmp_path / "a.camera")
    again = load_profile(tmp_path / "a.camera")
    again.save(tmp_path / "b.camera")
    assert again.sha256 == profile.sha256 and again.marks == profile.marks
    assert (again.pattern == profile.pattern).all() and (again.labels == profile.labels).all()
    assert (tmp_path / "a.camera").read_bytes() == (tmp_path / "b.camera").read_bytes()


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "bit", "json", "marks"])
def test_a_damaged_profile_is_one_line(profile: CameraProfile, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "c.camera"
    profile.save(path)
    data = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "marks":
        CameraProfile(profile.pattern, profile.labels, profile.outline, profile.marks[1:], 9, "2026-01-01").save(path)
    else:
        data[len(data) // 2] ^= 0xFF if damage == "bit" else 0
        changed = {
            "empty": b"",
            "cut": bytes(data[:200]),
            "bit": bytes(data),
            "json": bytes(data).replace(b'"version": 1', b'"version": 9'),
        }
        path.write_bytes(changed[damage])
    with pytest.raises(DataError, match=r"^(cannot read the camera profile |.*no camera profile, or a damaged one$)") as raised:
        load_profile(path)
    assert "\n" not in str(raised.value)


def test_too_few_photographs_are_refused(clinic: list[Path]) -> None:
    with pytest.raises(DataError, match=f"needs at least {LEAST}"):
        learn(clinic[: LEAST - 1], lambda done: None)


def test_photographs_of_another_camera_are_left_out_of_a_profile(clinic: list[Path], profile: CameraProfile, tmp_path: Path) -> None:
    for number in range(4):
        Image.fromarray(draw_eye(200 + number, radius=110)).save(tmp_path / f"{number}.png")
    mixed = learn([*clinic, *sorted(tmp_path.glob("*.png"))], lambda done: None)
    assert mixed.photographs == len(clinic) and mixed.marks == profile.marks


def test_the_shell_learns_shows_and_draws(clinic: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "clinic.camera"
    run = CliRunner().invoke(app, ["camera", "learn", str(clinic[0].parent), "--output", str(output)])
    assert run.exit_code == 0 and "in 16 photographs" in run.stdout and "Clean the lens." in run.stdout
    with Image.open(output.with_suffix(".png")) as drawn:
        assert drawn.size == (WIDTH, HEIGHT)
    run = CliRunner().invoke(app, ["camera", "show", str(output), "--json"])
    shown = json.loads(run.stdout)
    assert (
        shown["photographs"] == 16
        and len(SPECKS) <= shown["clear_marks"] <= len(SPECKS) + 2
        and shown["sha256"] == load_profile(output).sha256
    )


def test_a_clean_lens_is_not_to_be_cleaned(profile: CameraProfile) -> None:
    empty = CameraProfile(profile.pattern * 0, profile.labels * 0, profile.outline, (), 50, "2026-01-01")
    assert summary(empty) == "no marks in 50 photographs"
    assert picture(empty).std() > 0 and (picture(profile) != picture(empty)).any()


def test_the_bundled_profile_is_of_idrid_and_finds_the_example_clean() -> None:
    (bundled,) = bundled_profiles()
    assert bundled.photographs == 150 and len(bundled.marks) > 50
    divided = divide(read_photograph(EXAMPLE), choose_profiles("auto"))
    assert divided.profile is not None and not divided.marked
    assert choose_profiles("none") == []


def test_the_bundled_profile_takes_its_own_marks_out_of_the_example() -> None:
    """The example was taken in a clean time: with the learnt dust laid over it, the same photograph comes back."""
    (bundled,) = bundled_profiles()
    image = read_photograph(EXAMPLE)
    small = np.asarray(Image.fromarray(image.pixels).resize(bundled.pattern.shape[1::-1], Image.Resampling.BOX))
    dusty = np.clip((small + 4.0) * np.exp(bundled.pattern) - 4, 0, 255).astype(np.uint8)
    divided = divide(fundus_image(dusty, "dusty"), [bundled])
    assert divided.amplitude == pytest.approx(1, abs=0.15)
    deep = bundled.pattern[..., 1] < -0.04
    before, after = (np.abs(pixels[deep].astype(float) - small[deep]).mean() for pixels in (dusty, divided.image.pixels))
    assert after < 0.4 * before


def test_sessions_follow_marks_and_light_and_keep_one_eye_together(profile: CameraProfile) -> None:
    rng = np.random.default_rng(0)
    count = len(profile.marks)
    times = [(amplitude, light) for amplitude in (0.0, 1.0) for light in (3.0, 4.0)]
    rows = [[*(amplitude + rng.normal(0, 0.05, count)), *(light + rng.normal(0, 0.02, 3))] for amplitude, light in times for _ in range(8)]
    found = sessions(np.array(rows), profile)
    assert len(set(found)) == 4 and all(len(set(found[i : i + 8])) == 1 for i in range(0, 32, 8))
    united = sessions(np.array(rows), profile, [(0, 31)])
    assert len(set(united)) == 3 and united[0] == united[31]


def test_folds_keep_sessions_whole_and_strata_even() -> None:
    groups = np.repeat(np.arange(30), 4)
    strata = ["a" if group % 2 else "b" for group in groups]
    folds = fold(strata, groups, 3)
    assert all(len(set(folds[groups == group])) == 1 for group in range(30))
    assert [sum(s == "a" for s, f in zip(strata, folds, strict=True) if f == n) for n in range(3)] == [20, 20, 20]


def test_the_same_eye_is_known_again_and_another_is_not() -> None:
    image = read_photograph(EXAMPLE)
    turned = np.asarray(Image.fromarray(image.pixels).rotate(4, translate=(90, 40)))
    first, second = keypoints(image), keypoints(fundus_image(turned, "again"))
    other = keypoints(fundus_image(image.pixels[:, ::-1].copy(), "other"))
    assert inliers(first, second) > 40 > 12 > inliers(first, other)


def spot(x: int, y: int, radius: float) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """Box and flat pixels of a round candidate."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    flat = np.flatnonzero(np.hypot(rows - y, columns - x) < radius)
    return (int(x - radius), int(y - radius), int(2 * radius) + 1, int(2 * radius) + 1), flat


def test_what_is_left_of_a_mark_is_no_lesion_and_a_lesion_under_it_is(profile: CameraProfile) -> None:
    x, y, _, _ = SPECKS[2]
    plain, hidden = draw_eye(113), bleed(draw_eye(113), x, y)
    judges = [MarkJudge.of(divide(fundus_image(pixels, "x"), [profile])) for pixels in (plain, hidden)]
    box, flat = spot(x, y, 3)
    assert [judge.is_mark("HE", box, flat) for judge in judges] == [True, False]
    assert not judges[0].is_mark("EX", box, flat)  # marks are dark
    box, flat = spot(x + 40, y, 3)
    assert not judges[0].is_mark("HE", box, flat)  # away from every mark


def test_a_grey_speck_is_no_blood_on_a_camera_that_nobody_learnt() -> None:
    x, y, _, _ = SPECKS[0]
    box, flat = spot(x, y, 3)
    dusty, bloody = MarkJudge(draw_eye(114)), MarkJudge(bleed(draw_eye(114, lens=False), x, y))
    assert [judge.is_mark("MA", box, flat) for judge in (dusty, bloody)] == [True, False]


def test_outlined_blood_of_the_example_is_not_taken_for_dust() -> None:
    """On the bundled weights' own candidates: nearly all haemorrhages of the example keep their place."""
    image = read_photograph(EXAMPLE)
    detector = LesionDetector.load()
    found = detector.detect(image)
    regions = [
        find_regions(found, image, detector.thresholds, Landmarks(), detector.peaks, spurious)
        for spurious in (None, MarkJudge(image.pixels).is_mark)
    ]
    before, after = ([sum(lesion.code == code for lesion in each.lesions) for code in DARK] for each in regions)
    assert all(kept >= 0.95 * count > 5 for kept, count in zip(after, before, strict=True))


def bleed(pixels: np.ndarray, x: int, y: int) -> np.ndarray:
    """A round spot of blood: it takes most of the green and little of the red."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    inside = np.hypot(rows - y, columns - x) < 3.5
    return np.where(inside[..., None], pixels * (0.9, 0.55, 0.7), pixels).round().astype(np.uint8)
