"""Raw text -> spans of sentences, and the same text in a form that patterns can read, letter for letter.

Whatever is done here keeps every position: a span of the cleaned text is a span of the raw one.
"""

from __future__ import annotations

import re
from itertools import pairwise

Span = tuple[int, int]

_SAME = {ord("|"): ":"} | {ord(mark): " " for mark in "*`_#\t\r\n\v\f\u00a0\u2009\u202f\u2028\u2029"}
_SAME |= {ord(mark): "-" for mark in "\u2010\u2011\u2012\u2013\u2014\u2212"}
_SAME |= {
    ord("\u2018"): "'",
    ord("\u2019"): "'",
    ord("\u201c"): " ",
    ord("\u201d"): " ",
    ord('"'): " ",
    ord("\u00d7"): "x",
    ord("\u03bc"): "\u00b5",
}

_BULLET = re.compile(
    r"[ \t]*(?:[-*+\u2022\u00b7\u25cf\u2013>]+[ \t]+|\(?\d{1,2}[.)][ \t]+|\(?[a-z]\)[ \t]+|#{1,6}[ \t]+|\|)", re.IGNORECASE
)
_ABBREVIATION = re.compile(
    r"\b(?:approx|e\.g|i\.e|eg|ie|ca|cf|vs|dr|prof|fig|resp|incl|poss|prob|esp|max|min|sup|inf|temp|nas|mod|sev)$", re.IGNORECASE
)
_NUMBER = re.compile(r"\s*\(?\d{1,2}")
_LOOK_BACK = 16  # letters: more than the longest abbreviation has
_STOP = re.compile(r"(?<=\S)(?!\?\s*(?:no|none|yes|nil|absent|present)\b)[.!?]+[\"')\]*_]*(?=\s|$)|[;\u3002\uff01\uff1f]", re.IGNORECASE)
_NUMBER_OF = re.compile(r"no\.\s+of\b", re.IGNORECASE)
_CELL = re.compile(r"\s*\|\s*")


def clean(text: str) -> str:
    """The text with Markdown marks, odd blanks, dashes and quotes made plain. The length is unchanged."""
    return text.translate(_SAME).replace("(s)", "s  ")


def sentences(text: str) -> list[Span]:
    """Spans of the sentences, bullets, headings and table rows of `text`, without surrounding blanks, in order."""
    return [span for block in _blocks(text) for span in _stops(text, block)]


def _blocks(text: str) -> list[Span]:
    """Lines joined where one only wraps into the next."""
    blocks: list[Span] = []
    position = 0
    for line in text.splitlines(keepends=True):
        if blocks and _wraps(text[slice(*blocks[-1])], line):
            blocks[-1] = blocks[-1][0], position + len(line)
        else:
            blocks.append((position, position + len(line)))
        position += len(line)
    return blocks


def _wraps(before: str, line: str) -> bool:
    last = before.rstrip()
    if not last or not line.strip() or _BULLET.match(line) or last.lstrip().startswith(("#", "|")) or before.endswith("\n\n"):
        return False
    return last[-1] not in ".:;!?|" and not line.lstrip()[0].isupper()


def _stops(text: str, block: Span) -> list[Span]:
    """The sentences of one block: cut after full stops that end one, at semicolons, and at the bars between fields."""
    start, end = block
    bullet = _BULLET.match(text, start, end)
    table = text[start:end].lstrip().startswith("|")
    start = bullet.end() if bullet else start
    cuts = [
        m.end()
        for m in _STOP.finditer(text, start, end)
        if not _stands_for_more(text, start, m.start()) and not _NUMBER_OF.match(text, m.start() - 2)
    ]
    if not table:
        cuts += [m.end() for m in _CELL.finditer(text, start, end)]
    edges = [start, *sorted(cuts), end]
    return [span for a, b in pairwise(edges) if (span := _trim(text, a, b)) is not None]


def _stands_for_more(text: str, start: int, stop: int) -> bool:
    """Whether the full stop at `stop` only ends an abbreviation, or the number that a block begins with."""
    number = _NUMBER.match(text, start, stop)
    return bool((number and number.end() == stop) or _ABBREVIATION.search(text, max(start, stop - _LOOK_BACK), stop))


def _trim(text: str, start: int, end: int) -> Span | None:
    while start < end and (text[start].isspace() or text[start] == "|"):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] == "|"):
        end -= 1
    return (start, end) if start < end else None
