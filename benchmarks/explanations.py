"""Claim precision, recall and hallucination, raw and printed, with the true masks as the judge.

    python benchmarks/explanations.py IDRID_ROOT [--split validation] [--vlm nano] [--limit N]

Audited are the language model, the same model told the findings before it answers (`--ground prompt`), a liar that knows the true masks
and says the opposite, a text that names everything everywhere, one that denies everything, and one that makes every statement of a grammar
(class, presence, count, place), true ones and false ones. The lesion map is the bundled one for all, made once a photograph.
Prints two tables in Markdown: what the texts and the printed pages are worth, and the verdicts. Intervals are 95 % bootstrap percentiles
over photographs, Wilson's where a share of 0 or 1 leaves no width.
`not backed` counts the printed claims that the lesions reported do not bear out: it must be 0.
`true, contradicted` counts the claims that the true masks hold true and the product contradicts: it must be 0.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fusion.audit.claims import DENIAL, RENDERED, SPECS, measure_claims  # noqa: E402
from fusion.audit.counts import CELLS, counts_of  # noqa: E402
from fusion.audit.figures import PRODUCT, Figure, Result, measure  # noqa: E402
from fusion.audit.texts import Text, raw_text, rendered_text  # noqa: E402
from fusion.audit.truth import Truth, facts_of, judge  # noqa: E402
from fusion.claim_words import statement  # noqa: E402
from fusion.regions import QUADRANTS  # noqa: E402
from fusion.thresholds import Thresholds  # noqa: E402
from fusion.verify import verify  # noqa: E402
from retinai.audit.case import read_truth  # noqa: E402
from retinai.image import read_photograph  # noqa: E402
from retinai.lesions import CLASSES, LESIONS  # noqa: E402
from retinai.pipeline import Pipeline, Reading  # noqa: E402
from retinai.progress import Progress  # noqa: E402
from retinai.readers.idrid import read_segmentation  # noqa: E402
from retinai.readers.record import Record  # noqa: E402
from retinai.talk import Talker, load_talker  # noqa: E402
from retinai.types import FundusImage, Grade, LesionMap, SaliencyMap  # noqa: E402
from segmentation.detector import LesionDetector  # noqa: E402
from vlm.generate import Answer  # noqa: E402

COUNTED = (1, 2, 3, 5, 10, 20, 30, 50, 100)
PLACES = ("", *(f" in the {quadrant} quadrant" for quadrant in QUADRANTS), " in the macula", " within 1 disc diameter of the fovea")
EVERYTHING = " ".join(f"There are more than 20 {CLASSES[code].plural} in all four quadrants." for code in LESIONS)
COLUMNS = ("precision", "recall", "f1", "chair_i", "contradicted", "denials_precision")
VERDICTS = ("supported", "contradicted", "unsupported", "not_assessable")
Judged = dict[str, Counter[str]]
"""Explainer -> 'the masks' verdict, the product's' -> how many claims."""
SHOWN = False
"""Whether wrong verdicts are listed."""
HEADINGS = ("precision", "recall", "F1", "made up (CHAIR-i)", "contradicted", "precision of denials")


class Once(LesionDetector):
    """The detector, asked once for the photograph that several explainers read one after the other."""

    last: tuple[str, LesionMap] | None = None

    def detect(self, image: FundusImage) -> LesionMap:
        if self.last is None or self.last[0] != image.id:
            self.last = image.id, super().detect(image)
        return self.last[1]


class Liar:
    """Says the opposite of what the true masks show. `truth` is set before each photograph."""

    name = "a liar"
    identity = {"name": name}  # noqa: RUF012
    truth: Truth | None = None

    def answer(self, image: FundusImage, evidence: Sequence[str] = ()) -> Answer:
        if self.truth is None:
            raise ValueError("a liar must know the truth")
        level = 0 if self.truth.facts.interval.visible >= 2 else 4
        probs = tuple(0.96 if grade == level else 0.01 for grade in range(5))
        return Answer(Grade(level, probs, self.name), f"Grade: {level}. {' '.join(lies(self.truth))}", False, 1.0)

    def look(self, image: FundusImage, level: int, evidence: Sequence[str] = ()) -> SaliencyMap | None:
        return None


class Everything(Liar):
    """Names everything everywhere."""

    name = "everything everywhere"
    identity = {"name": name}  # noqa: RUF012

    def answer(self, image: FundusImage, evidence: Sequence[str] = ()) -> Answer:
        return Answer(Grade(3, (0.01, 0.01, 0.01, 0.96, 0.01), self.name), EVERYTHING, False, 1.0)


class Denier(Liar):
    """Denies everything, whatever the photograph shows."""

    name = "denies everything"
    identity = {"name": name}  # noqa: RUF012

    def answer(self, image: FundusImage, evidence: Sequence[str] = ()) -> Answer:
        return Answer(Grade(0, (0.96, 0.01, 0.01, 0.01, 0.01), self.name), f"{DENIAL} No diabetic retinopathy.", False, 1.0)


class Grammar(Liar):
    """Makes every statement on lesions that can be made: each is true or false, and the masks know which."""

    name = "every statement"
    identity = {"name": name}  # noqa: RUF012

    def answer(self, image: FundusImage, evidence: Sequence[str] = ()) -> Answer:
        return Answer(Grade(2, (0.01, 0.01, 0.96, 0.01, 0.01), self.name), " ".join(statements()), False, 1.0)


def statements() -> Iterator[str]:
    """'No haemorrhages in the macula.', 'More than 20 haemorrhages.', ...: every class, count and place of the grammar."""
    amounts = ["", "no ", *(f"{words} {n} " for words in ("more than", "at least", "fewer than", "up to", "about", "") for n in COUNTED)]
    for code in LESIONS:
        for amount in amounts:
            noun = CLASSES[code].name if amount.split()[-1:] == ["1"] and "than" not in amount else CLASSES[code].plural
            for place in PLACES:
                sentence = f"{amount.lstrip()}{noun}{place}."
                yield sentence[0].upper() + sentence[1:]


def lies(truth: Truth) -> Iterable[str]:
    """What is there is denied and put where it is rarest, a hundred too many; what is not there is found."""
    numbers = dict(zip(CELLS, counts_of(truth.facts.lesions), strict=True))
    for code in LESIONS:
        plural = CLASSES[code].plural
        if code in truth.absent:
            yield f"There are {plural}."
            continue
        total = sum(lesion.code == code for lesion in truth.facts.lesions)
        quadrant = min((place for place in CELLS if place[0] == code), key=lambda place: numbers[place])[1]
        yield f"No {plural} are seen."
        yield f"There are more than {total + 100} {plural}."
        yield f"There are more than {int(numbers[code, quadrant]) + 100} {plural} in the {quadrant} quadrant."


def verdicts(reading: Reading, truth: Truth) -> Counter[str]:
    """The product's verdicts on the claims of an answer, counted by what the true masks say of the same claims."""
    answer = reading.explanation.answer
    claims = [claim for claim in (answer.claims if answer else ()) if claim.lesion in LESIONS]
    pairs = [(claim, true) for claim, true in zip(claims, judge(claims, truth), strict=True) if true.verdict != "not_assessable"]
    found = Counter(f"{true.verdict}, {claim.verdict}" for claim, true in pairs)
    for claim, true in pairs:
        if SHOWN and ((claim.verdict == "contradicted" and true.verdict == "supported") or (claim.verdict == "supported" != true.verdict)):
            print(f"{reading.explanation.image}: {statement(claim)} {claim.verdict}: {claim.reason}; masks: {true.reason}", file=sys.stderr)
    return found


def not_backed(text: Text, reading: Reading, peaks: dict[str, float]) -> int:
    """Printed claims that the lesions marked, taken for all that there are, do not support."""
    if reading.regions is None:
        return sum(map(len, text))
    facts = facts_of(reading.regions, reading.explanation.landmarks)
    found = [verify(sentence, facts, Thresholds(peaks, peaks)) for sentence in text]
    return sum(claim.verdict != "supported" for sentence in found for claim in sentence)


def read(records: Sequence[Record], explainers: dict[str, Pipeline]) -> tuple[dict[str, list[Result]], dict[str, int], Judged]:
    """Explainer -> the numbers of each photograph, raw and printed; how many printed claims are not backed; its verdicts and the masks'."""
    results: dict[str, list[Result]] = {name: [] for name in explainers}
    bad = dict.fromkeys(explainers, 0)
    judged: Judged = {name: Counter() for name in explainers}
    with Progress("explaining photographs", len(records)) as progress:
        for done, record in enumerate(records, start=1):
            image = read_photograph(record.image)
            truth = read_truth(record, image)
            for name, pipeline in explainers.items():
                if isinstance(pipeline.talker, Liar):
                    pipeline.talker.truth = truth
                reading = pipeline.read(image)
                judged[name] += verdicts(reading, truth)
                answer, printed = reading.explanation.answer, rendered_text(reading.explanation)
                texts = {PRODUCT: raw_text(answer.text if answer else ""), RENDERED: printed}
                results[name] += [Result(record.id, "claims", source, measure_claims(text, truth)) for source, text in texts.items()]
                bad[name] += not_backed(printed, reading, dict(pipeline.detector.peaks))
            progress.to(done, record.id)
    return results, bad, judged


def table(results: dict[str, list[Result]], bad: dict[str, int]) -> str:
    """A row for each explainer, raw and printed."""
    lines = [f"| text | claims | {' | '.join(HEADINGS)} | not backed |", "|---" * (len(HEADINGS) + 3) + "|"]
    for name, rows in results.items():
        for prefix, words in (("raw", "as generated"), ("rendered", "as printed")):
            found = {spec.name: measure(spec, rows) for spec in SPECS if spec.name.startswith(prefix)}
            cells = [_cell(found[f"{prefix}_{column}"]) for column in COLUMNS]
            backed = str(bad[name]) if prefix == "rendered" else "-"
            told = found[f"{prefix}_precision"].n + found[f"{prefix}_denials_precision"].n
            lines.append(f"| {name}, {words} | {told} | {' | '.join(cells)} | {backed} |")
    return "\n".join(lines)


def verdict_table(judged: Judged) -> str:
    """A row for each explainer: of its claims on lesions, what the masks hold true and what the product said of it."""
    headings = (
        *("text", "claims", "true by the masks", "of these contradicted", "supported", "of these false"),
        *("contradicted", "not confirmed", "not assessable"),
    )
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for name, found in judged.items():
        of = {verdict: sum(n for key, n in found.items() if key.endswith(f", {verdict}")) for verdict in VERDICTS}
        true = sum(n for key, n in found.items() if key.startswith("supported, "))
        numbers = (
            sum(found.values()), true, found["supported, contradicted"], of["supported"], of["supported"] - found["supported, supported"],
            of["contradicted"], of["unsupported"], of["not_assessable"],
        )  # fmt: skip
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)


def _cell(figure: Figure) -> str:
    if figure.value != figure.value:
        return "-"
    return f"{figure.value:.2f} ({figure.low:.2f}-{figure.high:.2f})"


def chosen(vlm: str, detector: LesionDetector) -> dict[str, Pipeline]:
    talker: Talker | None = load_talker(vlm)
    asked = (
        {} if talker is None else {talker.name: Pipeline(detector, talker), f"{talker.name}, told": Pipeline(detector, talker, "prompt")}
    )
    degenerate = {"liar": Liar(), "names everything": Everything(), "denies everything": Denier(), "every statement": Grammar()}
    return asked | {name: Pipeline(detector, each) for name, each in degenerate.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--vlm", default="auto")
    parser.add_argument("--limit", type=int, help="the first so many photographs")
    parser.add_argument("--show", action="store_true", help="list the wrong verdicts")
    given = parser.parse_args()
    global SHOWN
    SHOWN = given.show
    records = read_segmentation(given.root, given.split)[: given.limit]
    results, bad, judged = read(records, chosen(given.vlm, Once.load()))
    print(table(results, bad), verdict_table(judged), sep="\n\n")


if __name__ == "__main__":
    main()
