"""Names of files, made safe where they enter: for folders of results, documents, messages and terminals. Standard library only."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

LONGEST = 100
"""Bytes of a safe name in UTF-8. A file system takes 255, and what is made up to tell two names apart comes on top."""
MARK = "~"
"""Stands before what is made up to tell two photographs of one name apart; no safe name has it, so none can be made up by chance."""
_UNSAFE = re.compile(r'[<>:"/\\|?*~\0]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # by Windows, as devices, whatever the suffix


def safe_name(file: str | PurePath) -> str:
    """The name of a photograph's results from its file: the stem, in which nothing is left that a path, a terminal or HTML would act on.

    'p 1.left.jpg' -> 'p 1.left'; '...jpg', '..jpg' -> 'photograph'; control characters, what is no UTF-8 and `<>:"/\\|?*~` become '_';
    no dots or spaces at its ends, so it is never hidden and never a folder's '.' or '..'; at most `LONGEST` bytes; NFC.
    Two files may have one safe name: see `retinai.inputs`, which tells them apart.
    """
    stem = unicodedata.normalize("NFC", PurePath(file).stem)
    spaced = "".join(" " if c.isspace() and unicodedata.category(c) == "Zs" else c if c.isprintable() else "\0" for c in stem)
    name = _UNSAFE.sub("_", spaced).encode()[:LONGEST].decode(errors="ignore").strip(". ")
    return f"_{name}" if _RESERVED.match(name) else name or "photograph"


def same_folder(name: str) -> str:
    """Equal for names that a file system without upper and lower case takes for one folder."""
    return unicodedata.normalize("NFC", name).casefold()


def shown(text: object) -> str:
    """A path or any other foreign text as one line that a terminal only prints: what does not print is escaped.

    'two\\nlines' -> 'two\\\\nlines'; a byte that is no UTF-8 -> '\\\\xff'.
    """
    return "".join(c if c.isprintable() else _escaped(c) for c in str(text))


def _escaped(character: str) -> str:
    code = ord(character)
    byte = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else None  # how Python carries bytes of a path that are no UTF-8
    return character.encode("unicode_escape").decode() if byte is None else f"\\x{byte:02x}"
