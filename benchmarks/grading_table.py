"""The table of docs/grading.md: every grader on IDRiD's validation photographs and on an unseen camera, with size and time.

    python benchmarks/grading_table.py --idrid IDRID_ROOT --rahim RAHIM2025_ROOT --output runs/grading-table \\
        lesions:runs/grader-lesions lesions:runs/grader-lesions-encoder image:runs/grader-image [--docs docs/grading.md] [--limit N]

Each cell is what `retinai evaluate grading` measures, with its 95 % interval, and is kept under `--output`, so a run that was stopped goes
on. ms: median of one decoded photograph, native size, on one core, from pixels to grade, nothing cached; MB: of all weights that the
grader reads. With --docs the table replaces what stands between the two marks there, and the pictures go into docs/images/: a confusion
matrix each, the photographs of both sets in each grader's feature space (t-SNE of its features), where it looked at
the example photograph (Grad-CAM of the head's log-odds of the grade given), and all risk-coverage curves.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from retinai.draw import heat  # noqa: E402
from retinai.errors import SaliencyError  # noqa: E402
from retinai.graders import Options, folder_of, load_grader  # noqa: E402
from retinai.grading.evaluate import evaluate  # noqa: E402
from retinai.grading.image_grader import ImageGrader  # noqa: E402
from retinai.grading.protocol import Grader  # noqa: E402
from retinai.grading.run import labelled  # noqa: E402
from retinai.grading.saliency import explain_class  # noqa: E402
from retinai.grading.train import CHECKPOINT  # noqa: E402
from retinai.image import read_photograph  # noqa: E402
from retinai.readers import load, read  # noqa: E402
from retinai.readers.record import Record  # noqa: E402
from retinai.report.folder import png  # noqa: E402

COLUMNS = {
    "accuracy": "accuracy", "kappa": "kappa", "macro_f1": "macro F1", "mae": "MAE", "off_by_one": "off by one", "ece": "ECE",
    "aurc": "AURC", "referable_sensitivity": "referable sensitivity", "referable_specificity": "referable specificity",
}  # fmt: skip
SETS = {"idrid": "IDRiD validation", "rahim2025": "rahim2025"}
MARKS = ("<!-- table of graders -->", "<!-- end of table -->")
TIMED = 5
CURVES = "graders-risk.png"
EXAMPLE, LOOKED = ROOT / "examples" / "IDRiD_18.jpg", 560
PALETTE = ("#2166ac", "#67a9cf", "#fddbc7", "#ef8a62", "#b2182b")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graders", nargs="+")
    parser.add_argument("--idrid", type=Path, required=True)
    parser.add_argument("--rahim", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/lesion-readings"))
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--limit", type=int)
    given = parser.parse_args()
    records = {"idrid": read("idrid", given.idrid, "validation"), "rahim2025": load("rahim2025", given.rahim).records}
    records = {name: labelled(found, given.limit) for name, found in records.items()}
    curves: dict[str, dict[str, Any]] = {}
    lines = ["| grader | photographs | " + " | ".join([*COLUMNS.values(), "MB", "ms"]) + " |", "| --- " * (len(COLUMNS) + 4) + "|"]
    for name in given.graders:
        grader = load_grader(name, Options(device="cpu", cache=given.cache))
        reports = {key: evaluate(grader, found, key, _split(key), output=folder(given.output, name, key)) for key, found in records.items()}
        curves[short(name)] = {key: report["risk_coverage"] for key, report in reports.items()}
        cost = f"{size_mb(name):.1f} | {milliseconds(grader, records['idrid']):.0f}"
        lines += [row(name, SETS[key], report, cost) for key, report in reports.items()]
        if hasattr(grader, "features"):
            project(grader, records, folder(given.output, name, "features").with_suffix(".png"))
        if isinstance(grader, ImageGrader):
            look(grader, folder(given.output, name, "looked").with_suffix(".png"))
    text = "\n".join(lines)
    (given.output / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    draw_curves(curves, given.output / CURVES)
    if given.docs:
        publish(text, given.graders, given.docs, given.output)


def _split(dataset: str) -> str:
    return "validation" if dataset == "idrid" else "all"


def folder(output: Path, grader: str, dataset: str) -> Path:
    return output / f"{short(grader)}-{dataset}"


def short(grader: str) -> str:
    """'lesions:runs/grader-lesions' -> 'grader-lesions'; 'vlm:nano' -> 'vlm-nano'."""
    rest = grader.partition(":")[2]
    return Path(rest).name if "/" in rest else re.sub(r"\W+", "-", grader)


def row(grader: str, dataset: str, report: dict[str, Any], cost: str) -> str:
    values = {**report, **{f"referable_{name}": value for name, value in report["referable"].items()}}
    cells = [cell(values[name], report["intervals"][name]) for name in COLUMNS]
    return f"| {short(grader)} | {dataset}, {report['images']} | " + " | ".join(cells) + f" | {cost} |"


def cell(value: float | None, ends: Sequence[float | None]) -> str:
    return "-" if value is None or ends[0] is None else f"{value:.3f} ({ends[0]:.2f}-{ends[1]:.2f})"


def size_mb(name: str) -> float:
    """Of the weights that a grader reads; the lesion grader's include the lesion U-Net."""
    kind, _, rest = name.partition(":")
    folders = [ROOT / "vlm/weights/nano" if rest == "nano" else Path(rest)] if kind == "vlm" else [folder_of(kind, rest)]
    if kind == "lesions":
        folders.append(ROOT / "segmentation/weights")
    files = [path for found in folders for path in found.glob("*.safetensors") if path.name != CHECKPOINT]
    return sum(path.stat().st_size for path in files) / 2**20


def milliseconds(grader: Grader, records: Sequence[Record]) -> float:
    """Median of one photograph on one core, the first not counted."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    reader = getattr(grader, "reader", None)
    cache = reader.cache if reader else None
    if reader:
        reader.cache = None
    times = []
    for record in records[: TIMED + 1]:
        image = read_photograph(record.image)
        began = time.perf_counter()
        grader.grade([image])
        times.append(1000 * (time.perf_counter() - began))
    if reader:
        reader.cache = cache
    torch.set_num_threads(threads)
    return float(np.median(times[1:]))


def project(grader: Any, records: dict[str, list[Record]], path: Path) -> None:
    """The photographs in the grader's feature space: t-SNE of 30 principal components, coloured by the true grade."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if path.exists():
        return
    every = [(key, record) for key, found in records.items() for record in found]
    features = np.concatenate([grader.features([read_photograph(record.image)]) for _, record in every])
    components = PCA(min(30, *features.shape), random_state=0).fit_transform(features)
    places = TSNE(perplexity=min(30, (len(every) - 1) / 3), random_state=0).fit_transform(components)
    figure = Figure(figsize=(6.4, 4.8), dpi=150, layout="constrained")
    axes = FigureCanvasAgg(figure).figure.add_subplot()
    for key, marker in zip(records, ("o", "^"), strict=True):
        for grade, colour in enumerate(PALETTE):
            rows = [i for i, (source, record) in enumerate(every) if source == key and record.grade == grade]
            label = f"{SETS[key]}, grade {grade}"
            axes.scatter(*places[rows].T, c=colour, marker=marker, s=16, edgecolors="black", linewidths=0.3, label=label)
    axes.set(xticks=[], yticks=[])
    axes.set_title(grader.name, fontsize=9)
    figure.legend(loc="outside right center", fontsize=6)
    figure.savefig(path)


def draw_curves(curves: dict[str, dict[str, Any]], path: Path) -> None:
    """A panel a data set: how many of the surest readings of each grader are wrong."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), dpi=130, layout="constrained")
    panels = FigureCanvasAgg(figure).figure.subplots(1, len(SETS), sharey=True)
    for axes, (key, title) in zip(panels, SETS.items(), strict=True):
        for number, (grader, found) in enumerate(curves.items()):
            style = ("-", "--")[number // 5 % 2]
            axes.plot(found[key]["coverage"], found[key]["risk"], style, color=f"C{number % 5}", linewidth=1.4, label=grader)
        axes.set(title=title, xlabel="share of the photographs, the surest first", xlim=(0, 1), ylim=(0, 1))
    panels[0].set_ylabel("share of them graded wrongly")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=7)
    figure.savefig(path)


def look(grader: ImageGrader, path: Path) -> None:
    """Where the grade of the example photograph comes from, a small picture; none where the map is blank."""
    image = read_photograph(EXAMPLE)
    reading = grader.grade([image])[0]
    assert reading.grade is not None
    path.unlink(missing_ok=True)
    with contextlib.suppress(SaliencyError):
        shown = heat(image, explain_class(grader, image, reading.grade.level))
        small = cv2.resize(shown, (LOOKED, round(LOOKED * shown.shape[0] / shown.shape[1])), interpolation=cv2.INTER_AREA)
        path.write_bytes(png(small[..., ::-1]))


def publish(text: str, graders: Sequence[str], docs: Path, output: Path) -> None:
    """The table and its pictures, a row a grader, into the documents."""
    page = docs.read_text(encoding="utf-8")
    first, last = (page.index(mark) for mark in MARKS)
    heads = [*(f"confusion, {name}" for name in SETS.values()), "features, t-SNE", f"where it looked, {EXAMPLE.stem}"]
    rows = [f"| grader | {' | '.join(heads)} |", "|---|---|---|---|---|"]
    for grader in map(short, graders):
        pictures = {f"{grader}-{key}.png": output / f"{grader}-{key}" / "confusion.png" for key in SETS}
        pictures |= {f"{grader}-{what}.png": output / f"{grader}-{what}.png" for what in ("features", "looked")}
        rows.append(f"| {grader} | {' | '.join(picture(name, path, docs.parent) for name, path in pictures.items())} |")
    shown = ["", picture(CURVES, output / CURVES, docs.parent), ""]
    docs.write_text(page[:first] + "\n".join([MARKS[0], "", text, "", *rows, *shown]) + page[last:], encoding="utf-8")


def picture(name: str, path: Path, docs: Path) -> str:
    """Copied into the documents; '-' for one that there is not."""
    if not path.exists():
        return "-"
    (docs / "images").mkdir(exist_ok=True)
    shutil.copyfile(path, docs / "images" / name)
    return f"![{name.removesuffix('.png')}](images/{name})"


if __name__ == "__main__":
    main()
