"""The drawings of an audit report, as SVG that stands in the page: intervals between nulls and oracle, reliability, risk and coverage.

Colours are of Okabe and Ito's set, told apart by colour-blind readers; shape repeats what colour says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

VALUE, NULL, ORACLE, ALERT, FAINT = "#0072B2", "#5F6B76", "#007A5A", "#B44A00", "#D9DFE5"
_WIDE, _TALL, _EDGE = 260, 30, 12  # of a bar, px
_CHART, _LEFT, _TOP, _RIGHT, _BELOW = 240, 62, 8, 16, 44  # of a curve's square and what surrounds it, px


def bar(figure: Mapping[str, Any]) -> str:
    """The value with its interval, the nulls and the oracle on one line, on which the right is always better. '' without a value."""
    if figure["value"] is None:
        return ""
    low, high = _domain(figure)
    flip = figure["better"] == "lower"

    def x(value: float) -> float:
        share = (value - low) / (high - low)
        return _EDGE + (1 - share if flip else share) * (_WIDE - 2 * _EDGE)

    middle = 11
    parts = [_line(_EDGE, middle, _WIDE - _EDGE, middle, FAINT, 2)]
    if figure["null"] is not None and figure["oracle"] is not None:
        parts.append(_line(x(figure["null"]), middle, x(figure["oracle"]), middle, "#9AA7B2", 2))
    if figure["low"] is not None and figure["high"] is not None:
        parts.append(_line(x(figure["low"]), middle, x(figure["high"]), middle, VALUE, 7, ' stroke-opacity="0.45" stroke-linecap="round"'))
    for name, null in figure["nulls"].items():
        if null is not None:
            ring = f'<circle cx="{x(null):.1f}" cy="{middle}" r="4" fill="#fff" stroke="{NULL}" stroke-width="1.8">'
            parts.append(f"{ring}{_title(name, null)}</circle>")
    if figure["oracle"] is not None:
        at = x(figure["oracle"])
        corners = f"{at - 5.5:.1f},{middle} {at:.1f},{middle - 5.5} {at + 5.5:.1f},{middle} {at:.1f},{middle + 5.5}"
        parts.append(f'<polygon points="{corners}" fill="{ORACLE}">{_title("oracle", figure["oracle"])}</polygon>')
    parts.append(f'<circle cx="{x(figure["value"]):.1f}" cy="{middle}" r="4.5" fill="{VALUE}">{_title("value", figure["value"])}</circle>')
    ends = (high, low) if flip else (low, high)
    parts += [_text(_EDGE, _TALL - 2, number(ends[0]), 9, "start"), _text(_WIDE - _EDGE, _TALL - 2, number(ends[1]), 9, "end")]
    return _svg(_WIDE, _TALL, f"{figure['name']}: {_spoken(figure)}", parts)


def _domain(figure: Mapping[str, Any]) -> tuple[float, float]:
    """From 0 to 1 where all lies within, or else a little beyond the outermost."""
    values = [figure["value"], figure["low"], figure["high"], figure["oracle"], *figure["nulls"].values()]
    defined = [value for value in values if value is not None]
    least, most = min(defined), max(defined)
    if least >= 0 and most <= 1:
        return 0.0, 1.0
    least = min(0.0, least)
    room = 0.05 * (most - least) or 0.5
    return (least - room if least < 0 else least), most + room


def _spoken(figure: Mapping[str, Any]) -> str:
    nulls = [f"{name} {number(value)}" for name, value in figure["nulls"].items()]
    return ", ".join([interval(figure), *nulls, *([f"oracle {number(figure['oracle'])}"] if figure["oracle"] is not None else [])])


def number(value: float | None) -> str:
    """Three figures after the point below 10, one below 100, none above; '-' for none."""
    if value is None:
        return "-"
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
    text = text.rstrip("0").rstrip(".") if "." in text and float(text) == round(value) else text
    return "0" if text == "-0" else text


def interval(figure: Mapping[str, Any]) -> str:
    """'0.913 (0.874 to 0.942)'."""
    ends = f" ({number(figure['low'])} to {number(figure['high'])})" if figure["low"] is not None else ""
    return number(figure["value"]) + ends


def reliability(bins: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy over confidence. bins: low, high, count, confidence, accuracy, as `retinai.grading.calibration.Bin`."""
    most = max(each["count"] for each in bins)
    parts = [
        *_axes("probability of the grade given", "share that is right"),
        _line(*_at(0, 0), *_at(1, 1), NULL, 1, ' stroke-dasharray="4 4"'),
    ]
    for each in bins:
        x, y = _at(each["confidence"], each["accuracy"])
        said = f"{each['count']} photographs, probability {number(each['confidence'])}, right {number(each['accuracy'])}"
        radius = 3 + 7 * (each["count"] / most) ** 0.5
        parts.append(_line(x, y, x, _at(0, each["confidence"])[1], VALUE, 1.2, ' stroke-opacity="0.6"'))
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{VALUE}" fill-opacity="0.8"><title>{escape(said)}</title></circle>'
        )
    return _chart("reliability: accuracy over the probability of the grade given", parts)


def risk_coverage(points: Sequence[Sequence[float]], overall: float) -> str:
    """The error rate among the surest, over the share of photographs kept. points: (coverage, risk); overall: the rate of all."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_at(*point) for point in points))
    parts = [
        *_axes("share of photographs graded, surest first", "share of these that is wrong"),
        _line(*_at(0, overall), *_at(1, overall), NULL, 1, ' stroke-dasharray="4 4"'),
        f'<polyline points="{path}" fill="none" stroke="{VALUE}" stroke-width="2.2"/>',
    ]
    return _chart(f"risk over coverage; the risk of all is {number(overall)}", parts)


def _at(x: float, y: float) -> tuple[float, float]:
    """From 0..1, upwards, to pixels."""
    return _LEFT + x * _CHART, _TOP + (1 - y) * _CHART


def _axes(across: str, up: str) -> list[str]:
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _at(tick, tick)
        parts += [_line(_LEFT, y, _LEFT + _CHART, y, FAINT, 1), _text(_LEFT - 6, y + 4, f"{tick:g}", 11, "end")]
        parts += [_text(x, _TOP + _CHART + 16, f"{tick:g}", 11, "middle")]
    parts.append(_line(*_at(0, 0), *_at(1, 0), NULL, 1))
    middle = _TOP + _CHART / 2
    parts.append(_text(_LEFT + _CHART / 2, _TOP + _CHART + 36, across, 12, "middle"))
    parts.append(f'<g transform="rotate(-90 16 {middle})">{_text(16, middle, up, 12, "middle")}</g>')
    return parts


def _chart(said: str, parts: Sequence[str]) -> str:
    return _svg(_LEFT + _CHART + _RIGHT, _TOP + _CHART + _BELOW, said, parts)


def _svg(width: float, height: float, said: str, parts: Sequence[str]) -> str:
    inside = "".join(parts)
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{escape(said)}">{inside}</svg>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float, more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"{more}/>'


def _text(x: float, y: float, text: str, size: int, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="#4A5560">{escape(text)}</text>'


def _title(name: str, value: float) -> str:
    return f"<title>{escape(name)} {number(value)}</title>"
