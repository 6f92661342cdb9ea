"""The audit as one page that people look at: no script, no network, pictures inside. Made of the plain values of `audit.json`.

Everything that comes from outside is escaped, and only what the document names is shown: no paths.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from retinai.report.audit_charts import ALERT, NULL, ORACLE, VALUE, bar, interval, number, reliability, risk_coverage
from retinai.report.audit_words import ABOUT, ROWS, TITLE, WRONG, closed, heading, no_value

Document = Mapping[str, Any]
Pictures = Mapping[str, bytes]
"""Kind ('photograph', 'truth', 'found', 'saliency', 'without_cited', 'without_control') -> JPEG."""

CAPTIONS = {
    "photograph": "the photograph",
    "truth": "true lesions",
    "found": "lesions found",
    "saliency": "where the model looked for its grade",
    "without_cited": "cited lesions painted over",
    "without_control": "healthy patches painted over",
}
_STYLE = f"""
:root {{ color-scheme: light; }}
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1c252d; background: #fff; max-width: 1180px; margin: 0 auto; padding: 24px; }}
h1 {{ font-size: 26px; margin: 0 0 4px; }}
h2 {{ font-size: 20px; margin: 36px 0 8px; border-bottom: 2px solid #d9dfe5; padding-bottom: 4px; }}
h3 {{ font-size: 16px; margin: 20px 0 6px; }} p {{ margin: 6px 0; }} .quiet {{ color: #4a5560; font-size: 13px; }}
table {{ border-collapse: collapse; width: 100%; }} th, td {{ text-align: left; padding: 5px 8px; vertical-align: middle; }}
.figures td {{ border-top: 1px solid #e8ecf0; }} .figures th {{ font-weight: 600; font-size: 13px; color: #4a5560; }}
.figures .group th {{ font-size: 15px; color: #1c252d; padding-top: 18px; }}
.number {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
.verdict {{ display: grid; grid-template-columns: 12em 9em 1fr; gap: 8px; }}
.verdict {{ border-left: 6px solid; padding: 6px 12px; margin: 8px 0; background: #f7f9fa; }}
.flagged {{ border-color: {ALERT}; }} .clear {{ border-color: {ORACLE}; }} .unknown {{ border-color: #9aa7b2; }}
.charts {{ display: flex; flex-wrap: wrap; gap: 28px; align-items: flex-start; }} .charts figure {{ margin: 0; max-width: 340px; }}
.matrix {{ width: auto; }} .matrix td, .matrix th {{ text-align: center; min-width: 34px; padding: 8px 4px; }}
figcaption {{ font-size: 13px; color: #4a5560; }}
.row {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 10px; margin: 8px 0; }}
.row figure {{ margin: 0; }} .row img {{ width: 100%; height: auto; border-radius: 3px; background: #000; }}
.claim {{ padding: 3px 10px; border-left: 4px solid {ALERT}; margin: 4px 0; }}
summary {{ cursor: pointer; }} svg {{ display: block; }}
"""


def page(document: Document, pictures: Mapping[str, Pictures]) -> str:
    """The whole page. document: as `retinai.audit.document` makes it; pictures: audited photograph -> its pictures."""
    body = [_head(document), _verdicts(document["verdicts"]), _figures(document["figures"]), _grades(document), _cases(document, pictures)]
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(TITLE)}: {escape(document['explainer'])}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + f"\n{_foot(document)}\n</body>\n</html>\n"
    )


def _head(document: Document) -> str:
    on = f"{escape(document['on'])}. {escape(document['disclaimer'])}"
    return f"<h1>{escape(heading(document))}</h1>\n<p class='quiet'>{on}</p>\n<p>{escape(ABOUT)}</p>"


def _verdicts(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Each cheat by name: whether this explainer's own numbers are those of the cheat."""
    if not verdicts:
        return ""
    lines = []
    for each in verdicts:
        kind, word = {True: ("flagged", "\u2717 flagged"), False: ("clear", "\u2713 not seen"), None: ("unknown", "\u2013 not measured")}[
            each["flagged"]
        ]
        lines.append(
            f"<div class='verdict {kind}'><b>{escape(each['name'])}</b><strong>{word}</strong><span>{escape(each['line'])}</span></div>"
        )
    return "<h2>Is it one of the known cheats?</h2>\n" + "\n".join(lines)


def _figures(figures: Sequence[Mapping[str, Any]]) -> str:
    measured = [figure for figure in figures if figure["value"] is not None]
    parts = ["<h2>Figures</h2>", _key(), "<table class='figures'>"]
    parts.append("<tr><th>figure</th><th class='number'>value, 95 % interval</th><th>nulls to oracle; right is better</th>")
    parts.append("<th class='number'>gap closed</th><th class='number'>n</th></tr>")
    for row, group in groupby(measured, key=lambda figure: figure["row"]):
        parts.append(f"<tr class='group'><th colspan='5'>{row}. {escape(ROWS[row])}</th></tr>")
        parts += [_figure(figure) for figure in group]
    parts.append("</table>")
    if len(measured) < len(figures):
        parts.append(f"<p class='quiet'>{escape(no_value(figures))}</p>")
    return "\n".join(parts)


def _key() -> str:
    dot = '<svg viewBox="0 0 14 14" width="14" height="14" style="display: inline; vertical-align: -2px" aria-hidden="true">{}</svg>'
    value = dot.format(f'<circle cx="7" cy="7" r="4.5" fill="{VALUE}"/>')
    null = dot.format(f'<circle cx="7" cy="7" r="4" fill="#fff" stroke="{NULL}" stroke-width="1.8"/>')
    oracle = dot.format(f'<polygon points="1.5,7 7,1.5 12.5,7 7,12.5" fill="{ORACLE}"/>')
    return (
        f"<p class='quiet'>{value} the explainer, with its 95 % interval as a band; {null} nulls, which know nothing; {oracle} the best "
        "possible. The gap closed is the share of the way from the hardest null to the oracle. Point at a mark for its name.</p>"
    )


def _figure(figure: Mapping[str, Any]) -> str:
    lower = " <span class='quiet'>(lower is better)</span>" if figure["better"] == "lower" else ""
    nulls = "; ".join(f"{escape(name)} {number(value)}" for name, value in figure["nulls"].items() if value is not None)
    oracle = f"; oracle {number(figure['oracle'])}" if figure["oracle"] is not None else ""
    under = f"<br><span class='quiet'>{nulls}{oracle}</span>" if nulls or oracle else ""
    cells = (
        f"<td>{escape(figure['what'] or figure['name'])}{lower}{under}</td>",
        f"<td class='number'>{interval(figure)}</td><td>{bar(figure)}</td><td class='number'>{closed(figure)}</td>",
        f"<td class='number'>{figure['n']}<br><span class='quiet'>{escape(figure['unit'])}</span></td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _grades(document: Document) -> str:
    parts = []
    if document["confusion"]:
        parts.append(
            f"<figure>{_matrix(document['confusion'])}<figcaption>True grades (rows) and grades given (columns).</figcaption></figure>"
        )
    if document["reliability"]:
        caption = "Reliability: on the dashed line a probability holds what it says. Larger dots are more photographs."
        parts.append(f"<figure>{reliability(document['reliability'])}<figcaption>{caption}</figcaption></figure>")
    if document["risk_coverage"]:
        risk = document["risk_coverage"]
        caption = "Risk and coverage: what is wrong when only the surest are graded. Dashed: in random order."
        parts.append(f"<figure>{risk_coverage(risk, risk[-1][1])}<figcaption>{caption}</figcaption></figure>")
    return "<h2>Grades</h2>\n<div class='charts'>" + "\n".join(parts) + "</div>" if parts else ""


def _matrix(counts: Sequence[Sequence[int]]) -> str:
    """Counts shaded by the share of the true grade; the last column is no grade."""
    heads = [*map(str, range(len(counts[0]) - 1)), "none"]
    rows = ["<tr><th></th>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"]
    for grade, row in enumerate(counts):
        cells = "".join(_cell(count, count / max(1, sum(row)), column == grade) for column, count in enumerate(row))
        rows.append(f"<tr><th>{grade}</th>{cells}</tr>")
    return f"<table class='matrix'>{''.join(rows)}</table>"


def _cell(count: int, share: float, right: bool) -> str:
    """Blue on white, white on blue where it is dark; the right grades are framed."""
    ink = "#fff" if share > 0.55 else "#1c252d"
    frame = f"outline: 2px solid {VALUE}; outline-offset: -2px;" if right else ""
    return f"<td style='background: rgba(0, 114, 178, {share:.2f}); color: {ink}; {frame}'>{count}</td>"


def _cases(document: Document, pictures: Mapping[str, Pictures]) -> str:
    """Photographs with masks, those with the most wrong sentences first; those without are folded."""
    cases = sorted(document["cases"], key=lambda case: -len(_wrong(case, "rendered") + _wrong(case, "raw")))
    if not cases:
        return ""
    return "<h2>Sentences and pictures</h2>\n<p>Judged by the true masks, the most errors first.</p>\n" + "\n".join(
        _case(case, pictures.get(case["photograph"], {})) for case in cases
    )


def _wrong(case: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [claim for claim in case["claims"].get(kind, ()) if claim["verdict"] in WRONG]


def _case(case: Mapping[str, Any], pictures: Pictures) -> str:
    raw, rendered = _wrong(case, "raw"), _wrong(case, "rendered")
    grades = [f"{name} {value}" for name, value in (("true grade", case["grade"]), ("grade given", case["given"])) if value is not None]
    errors = f"{len(rendered)} wrong of {len(case['claims'].get('rendered', ()))} printed claims"
    if case["claims"].get("raw"):
        errors += f", {len(raw)} wrong of {len(case['claims']['raw'])} of the model's own"
    title = "; ".join([case["photograph"].rpartition("/")[2], *grades, errors])
    inside = f"{_strip(pictures, ('photograph', 'truth', 'found', 'saliency'))}\n"
    inside += _errors("Printed, and wrong by the true masks", rendered) + _errors("Said by the model, and wrong", raw)
    inside += _strip(pictures, ("without_cited", "without_control"))
    opened = " open" if raw or rendered else ""
    return f"<details{opened}><summary><b>{escape(title)}</b></summary>\n{inside}</details>"


def _errors(title: str, claims: Sequence[Mapping[str, Any]]) -> str:
    if not claims:
        return ""
    lines = [
        f"<div class='claim'>\u201c{escape(claim['text'])}\u201d <strong>{escape(claim['verdict'])}</strong>: "
        f"{escape(claim['reason'] or '')} <span class='quiet'>Read as: {escape(claim['statement'])}</span></div>"
        for claim in claims
    ]
    return f"<h3>{escape(title)}</h3>\n" + "\n".join(lines) + "\n"


def _strip(pictures: Pictures, kinds: Sequence[str]) -> str:
    shown = [kind for kind in kinds if kind in pictures]
    if not shown:
        return ""
    figures = "".join(
        f"<figure><img alt='{CAPTIONS[kind]}' src='data:image/jpeg;base64,{b64encode(pictures[kind]).decode()}'>"
        f"<figcaption>{CAPTIONS[kind]}</figcaption></figure>"
        for kind in shown
    )
    return f"<div class='row'>{figures}</div>"


def _foot(document: Document) -> str:
    lines = [f"{escape(name)}: {escape(str(value))}" for name, value in document["provenance"].items()]
    return f"<h2>How it was made</h2>\n<p class='quiet'>{escape(document['protocol'])}</p>\n<p class='quiet'>{'<br>'.join(lines)}</p>"
