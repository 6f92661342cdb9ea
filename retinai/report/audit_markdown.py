"""The audit as Markdown, for a repository or a review: the figures of `audit.json` as tables, without pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from retinai.report.audit_charts import interval, number
from retinai.report.audit_words import ABOUT, ROWS, WRONG, closed, heading, no_value

_WORDS = {True: "flagged", False: "not seen", None: "not measured"}


def as_markdown(document: Mapping[str, Any]) -> str:
    """The whole document. document: as `retinai.audit.document` makes it."""
    lines = [f"# {_plain(heading(document))}", "", f"{_plain(document['on'])}. {document['disclaimer']}", "", ABOUT, ""]
    for part in (
        _verdicts(document["verdicts"]),
        _figures(document["figures"]),
        _confusion(document["confusion"]),
        _errors(document["cases"]),
    ):
        lines += part
    lines += ["## How it was made", "", _plain(document["protocol"]), ""]
    lines += [f"- {_plain(name)}: {_plain(str(value))}" for name, value in document["provenance"].items()]
    return "\n".join(lines).rstrip() + "\n"


def _verdicts(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if verdicts:
        yield from ("## Is it one of the known cheats?", "")
        yield from (f"- **{_plain(each['name'])}: {_WORDS[each['flagged']]}.** {_plain(each['line'])}" for each in verdicts)
        yield ""


def _figures(figures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("## Figures", "")
    measured = [figure for figure in figures if figure["value"] is not None]
    for row, group in groupby(measured, key=lambda figure: figure["row"]):
        yield from (
            f"### {row}. {ROWS[row]}",
            "",
            "| figure | value, 95 % interval | nulls | oracle | gap closed | n |",
            "|---|---|---|---|---|---|",
        )
        yield from map(_figure, group)
        yield ""
    if len(measured) < len(figures):
        yield from (no_value(figures), "")


def _figure(figure: Mapping[str, Any]) -> str:
    what = _plain(figure["what"] or figure["name"]) + (" (lower is better)" if figure["better"] == "lower" else "")
    nulls = ", ".join(f"{_plain(name)} {number(value)}" for name, value in figure["nulls"].items() if value is not None) or "-"
    cells = (what, interval(figure), nulls, number(figure["oracle"]), closed(figure), f"{figure['n']} {_plain(figure['unit'])}")
    return f"| {' | '.join(cells)} |"


def _confusion(counts: Sequence[Sequence[int]]) -> Iterator[str]:
    if not counts:
        return
    yield from ("## Grades", "", "| true grade, given as | 0 | 1 | 2 | 3 | 4 | none |", "|---|---|---|---|---|---|---|")
    yield from (f"| {grade} | {' | '.join(map(str, row))} |" for grade, row in enumerate(counts))
    yield ""


def _errors(cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    wrong = [(case["photograph"], claim) for case in cases for claim in case["claims"].get("rendered", ()) if claim["verdict"] in WRONG]
    if not wrong:
        return
    yield from ("## Printed sentences that the true masks do not bear out", "")
    for photograph, claim in wrong:
        yield f"- {_plain(photograph)}: \u201c{_plain(claim['text'])}\u201d: {claim['verdict']}, {_plain(claim['reason'] or '')}"
    yield ""


def _plain(text: str) -> str:
    """Text that neither a table nor a heading trips over: one line, and nothing in it is Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|" else sign for sign in " ".join(text.split()))
