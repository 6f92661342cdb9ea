"""Thousands of broken picture files, each decoded by a process of its own clock: is every one read or refused, in time and in memory?

    python benchmarks/mutated_files.py                 # 36,000 files, half a minute of one idle core
    python benchmarks/mutated_files.py --count 2000 --seed 7

Small files of every kind that is read are made here, then flipped, cut, spliced and edited. Reported are those that were read
(to the same pixels or to others), those that were refused, and what must not be: errors that are no ImageError, crashes, and files
that took longer or more memory than the caps. Causes are what the decoders raised for those that were refused.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import random
import resource
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from PIL import Image

from retinai.decoding import decode
from retinai.errors import ImageError

WIDTH, HEIGHT = 112, 80
MOST_SECONDS = 5.0
MOST_MB = 1024
_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

Mutation = Callable[[random.Random, bytes, bytes], bytes]


def whole_files() -> dict[str, bytes]:
    """A drawn eye in every kind of file that is read."""
    noise = np.random.default_rng(0).integers(0, 40, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    pixels = noise + (np.hypot(x - WIDTH / 2, y - HEIGHT / 2) < 36)[..., None] * np.array([180, 90, 40], np.uint8)
    eye = Image.fromarray(pixels.astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    jpegs = {
        "baseline": {}, "progressive": {"progressive": True}, "restarts": {"restart_marker_blocks": 3}, "whole colours": {"subsampling": 0},
        "turned": {"exif": exif},
    }  # fmt: skip
    files = {f"JPEG {name}": _saved(eye, "JPEG", **options) for name, options in jpegs.items()}
    files |= {"JPEG grey": _saved(eye.convert("L"), "JPEG"), "JPEG CMYK": _saved(eye.convert("CMYK"), "JPEG", progressive=True)}
    files |= {f"PNG {mode}": _saved(eye.convert(mode), "PNG") for mode in ("RGB", "L", "P", "RGBA")}
    files["PNG sixteen"] = _saved(Image.fromarray(pixels[..., 0].astype(np.uint16) * 16), "PNG")
    files |= {f"TIFF {c}": _saved(eye, "TIFF", compression=c) for c in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")}
    files["TIFF big"] = _saved(eye, "TIFF", big_tiff=True, compression="tiff_adobe_deflate")
    files["TIFF pages"] = _saved(eye, "TIFF", save_all=True, append_images=[eye.resize((80, 70))], compression="tiff_lzw")
    files |= {f"BMP {mode}": _saved(eye.convert(mode), "BMP") for mode in ("RGB", "P")}
    files |= {"JP2 one tile": _saved(eye, "JPEG2000"), "JP2 tiles": _saved(eye, "JPEG2000", tile_size=(64, 64), no_jp2=True)}
    return files


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def flips(chance: random.Random, data: bytes, other: bytes) -> bytes:
    copy = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 8, 40))):
        copy[_place(chance, data)] ^= 1 << chance.randrange(8)
    return bytes(copy)


def edits(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Numbers become extreme ones, mostly where headers are."""
    copy = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        width = chance.choice((1, 2, 4))
        value = chance.choice((*_EXTREMES, chance.getrandbits(32))) & ((1 << 8 * width) - 1)
        place = min(_place(chance, data), len(data) - width)
        copy[place : place + width] = value.to_bytes(width, chance.choice(("big", "little")))  # type: ignore[arg-type]
    return bytes(copy)


def cuts(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """The end is lost, and mostly put back so that it looks like one."""
    end = {b"\xff\xd8": b"\xff\xd9", b"\x89P": struct.pack(">I", 0) + b"IEND\xaeB`\x82"}.get(data[:2], data[-300:])
    return data[: chance.randrange(1, len(data))] + chance.choice((b"", end, end))


def holes(chance: random.Random, data: bytes, other: bytes) -> bytes:
    start = chance.randrange(1, len(data))
    length = chance.randrange(1, max(2, len(data) // 3))
    return data[:start] + chance.choice((b"", bytes(min(length, len(data) - start)))) + data[start + length :]


def splices(chance: random.Random, data: bytes, other: bytes) -> bytes:
    start, length = chance.randrange(len(data)), chance.randrange(1, 400)
    piece = chance.choice((data, other))
    at = chance.randrange(len(piece))
    return data[:start] + piece[at : at + length] + data[start + chance.choice((0, length)) :]


MUTATIONS: dict[str, Mutation] = {"flips": flips, "edits": edits, "cuts": cuts, "holes": holes, "splices": splices}


def _place(chance: random.Random, data: bytes) -> int:
    """Half of the time in the first or last 300 bytes, where the headers are."""
    near = chance.random()
    if near < 0.35:
        return chance.randrange(min(300, len(data)))
    return len(data) - 1 - chance.randrange(min(300, len(data)) if near < 0.5 else len(data))


def with_right_checksums(png: bytes) -> bytes:
    """As if a program had written the damage: otherwise no mutation comes past a PNG's checksums."""
    parts, at = [png[:8]], 8
    while at + 12 <= len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if end > len(png):
            break
        parts.append(png[at : end - 4] + struct.pack(">I", zlib.crc32(png[at + 4 : end - 4])))
        at = end
    return b"".join(parts) + png[at:]


def mutants(count: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """(kind of file, mutation, bytes), the same ones for the same seed."""
    files = whole_files()
    for number in range(count):
        chance = random.Random(f"{seed}-{number}")
        name = chance.choice(list(files))
        mutation = chance.choice(list(MUTATIONS))
        data = MUTATIONS[mutation](chance, files[name], files[chance.choice(list(files))])
        if chance.random() < 0.3:
            data = MUTATIONS["edits"](chance, data, data) if len(data) > 4 else data
        yield name, mutation, with_right_checksums(data) if name.startswith("PNG") and chance.random() < 0.7 else data


def serve(line: Connection) -> None:
    """In a process of its own: (kind, bytes) in, (outcome, cause, seconds, peak MB) out."""
    whole = {name: decode(data, "it").tobytes() for name, data in whole_files().items()}
    before = _peak_mb()
    while True:
        name, data = line.recv()
        start = time.process_time()
        try:
            outcome, cause = ("same pixels" if decode(data, "it").tobytes() == whole[name] else "other pixels"), ""
        except ImageError as error:
            outcome, cause = "refused", type(error.__cause__).__name__ if error.__cause__ else str(error).split(";")[0][:60]
        except BaseException as error:
            outcome, cause = "untyped", repr(error)
        line.send((outcome, cause, time.process_time() - start, _peak_mb() - before))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Decoder:
    """The process that decodes, started again whenever it is lost, too slow, or once had too much memory."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self.line, far = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=serve, args=(far,), daemon=True)
        self.process.start()
        far.close()

    def _again(self) -> None:
        self.process.kill()
        self.process.join()
        self._start()

    def decode(self, name: str, data: bytes) -> tuple[str, str, float]:
        try:
            self.line.send((name, data))
            if not self.line.poll(60 + MOST_SECONDS):  # of the clock, as others use the machine too
                self._again()
                return "over the cap", "no answer", MOST_SECONDS
            outcome, cause, seconds, peak = self.line.recv()
        except (EOFError, OSError):
            self._again()
            return "crashed", "", 0.0
        if seconds > MOST_SECONDS or peak > MOST_MB:
            self._again()
            return "over the cap", f"{seconds:.1f} s, {peak:.0f} MB", seconds
        return outcome, cause, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=36_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=10.0, help="stop after so many, and say how many files were tried")
    parser.add_argument("--keep", type=Path, help="a folder for the files that went wrong")
    options = parser.parse_args()
    decoder, outcomes, causes, tried = Decoder(), Counter[tuple[str, str]](), Counter[str](), 0
    slowest, start = 0.0, time.monotonic()
    for name, mutation, data in mutants(options.count, options.seed):
        outcome, cause, seconds = decoder.decode(name, data)
        outcomes[name.split()[0], outcome] += 1
        causes[cause] += 1
        tried, slowest = tried + 1, max(slowest, seconds)
        if outcome in ("untyped", "crashed", "over the cap"):
            print(f"{outcome}: file {tried - 1} ({name}, {mutation}): {cause}", flush=True)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{options.seed}-{tried - 1}").write_bytes(data)
        if time.monotonic() - start > 60 * options.minutes:
            break
    report(tried, outcomes, causes, slowest, time.monotonic() - start)


def report(tried: int, outcomes: Counter[tuple[str, str]], causes: Counter[str], slowest: float, took: float) -> None:
    columns = ("same pixels", "other pixels", "refused", "untyped", "crashed", "over the cap")
    print(f"{tried:,} files in {took / 60:.1f} minutes; the slowest took {slowest:.2f} s; caps {MOST_SECONDS:g} s and {MOST_MB} MB")
    print(f"{'':<8}" + "".join(f"{column:>14}" for column in columns))
    for kind in (*sorted({kind for kind, _ in outcomes}), "all"):
        counts = [sum(n for (k, o), n in outcomes.items() if o == column and kind in (k, "all")) for column in columns]
        print(f"{kind:<8}" + "".join(f"{count:>14,}" for count in counts))
    print("causes: " + ", ".join(f"{cause} {count}" for cause, count in causes.most_common(40) if cause))


if __name__ == "__main__":
    main()
