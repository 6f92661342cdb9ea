"""How long a photograph takes, and how much memory: warm runs of what `retinai explain` does, in one process.

python benchmarks/explain.py [PHOTOGRAPH] [--vlm none|nano] [--second auto|none] [--repeats 5]
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from retinai.pipeline import Pipeline  # noqa: E402
from retinai.talk import load_talker  # noqa: E402


def seconds(pipeline: Pipeline, photograph: Path) -> float:
    """From the file to the explanation."""
    start = time.perf_counter()
    pipeline.read_file(photograph)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photograph", nargs="?", type=Path, default=ROOT / "examples" / "IDRiD_18.jpg")
    parser.add_argument("--vlm", default="none")
    parser.add_argument("--second", default="auto")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    pipeline = Pipeline.load(talker=load_talker(given.vlm), second=given.second)
    first, *warm = (seconds(pipeline, given.photograph) for _ in range(given.repeats + 1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # kB on Linux
    print(f"first {first:.2f} s; warm {min(warm):.2f} to {max(warm):.2f} s over {len(warm)} runs; at most {peak:.2f} GB")


if __name__ == "__main__":
    main()
