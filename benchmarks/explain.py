"""How long a photograph takes, and how much memory: warm (one process, after a first read) and cold (a process of its own).

python benchmarks/explain.py [PHOTOGRAPH] [--vlm none|nano] [--second auto|none] [--repeats 5] [--against CHECKOUT]

--against names another checkout of this repository, such as `git worktree add ../old COMMIT` makes. The two are then run in turn,
in processes of their own, so that a busy machine is busy for both; printed are the least of the runs and the ratios, this to that.
Processor seconds are user and system together, and what to compare on a machine that does other work.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one read, or of a whole process. seconds: on the clock; processor: user and system, all threads; gb: most that was resident."""

    seconds: float
    processor: float
    gb: float

    def least(self, other: Cost) -> Cost:
        return Cost(min(self.seconds, other.seconds), min(self.processor, other.processor), min(self.gb, other.gb))


def warm(photograph: Path, vlm: str, second: str, repeats: int) -> Cost:
    """In this process, by whatever `retinai` can be imported: the least of `repeats` reads after a first one."""
    from retinai.pipeline import Pipeline
    from retinai.talk import load_talker

    pipeline = Pipeline.load(talker=load_talker(vlm), second=second)
    pipeline.read_file(photograph)
    costs = []
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        pipeline.read_file(photograph)
        costs.append((time.perf_counter() - start, time.process_time() - used))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # kB on Linux
    return Cost(*(min(column) for column in zip(*costs, strict=True)), peak)


def cold(checkout: Path, words: list[str]) -> Cost:
    """`retinai explain` of a checkout, from the start of its process to its end."""
    code = "import sys; from retinai.cli import main; sys.argv[0] = 'retinai'; main()"
    start, child = time.perf_counter(), _start(checkout, "-c", code, "explain", *words)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"retinai explain of {checkout} ended with status {child.returncode}")
    return Cost(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)


def _start(checkout: Path, *words: str) -> subprocess.Popen[str]:
    """Python on the code of a checkout; what it prints can be read."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    return subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, cwd=checkout, env=environment)


def warm_of(checkout: Path, given: argparse.Namespace) -> Cost:
    """`warm` in a process on the code of a checkout."""
    words = [given.photograph, "--vlm", given.vlm, "--second", given.second, "--repeats", given.repeats, "--one"]
    child = _start(checkout, "-P", __file__, *map(str, words))
    printed, _ = child.communicate()
    if child.returncode:
        sys.exit(f"the warm runs of {checkout} ended with status {child.returncode}")
    return Cost(**json.loads(printed.splitlines()[-1]))


def measure(checkouts: list[Path], given: argparse.Namespace) -> dict[str, list[Cost]]:
    """'warm' and 'cold' -> the least cost of each checkout, over rounds in which they take turns."""
    words = [str(given.photograph), "--vlm", given.vlm, "--second", given.second]
    found: dict[str, list[Cost]] = {}
    for _ in range(given.rounds):
        for name, run in (("warm", lambda tree: warm_of(tree, given)), ("cold", lambda tree: cold(tree, words))):
            costs = [run(tree) for tree in checkouts]
            found[name] = [old.least(new) for old, new in zip(found.get(name, costs), costs, strict=True)]
    return found


def told(name: str, costs: list[Cost]) -> str:
    """One line a checkout, and one of ratios where there are two."""
    lines = [f"{name}: {cost.seconds:6.2f} s, {cost.processor:6.2f} processor seconds, {cost.gb:.2f} GB" for cost in costs]
    if len(costs) == 2:
        this, that = (asdict(cost) for cost in costs)
        lines.append("  ratio: " + ", ".join(f"{key} {this[key] / that[key]:.2f}" for key in this))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photograph", nargs="?", type=lambda text: Path(text).resolve(), default=ROOT / "examples" / "IDRiD_18.jpg")
    parser.add_argument("--vlm", default="none")
    parser.add_argument("--second", default="auto")
    parser.add_argument("--repeats", type=int, default=5, help="Warm reads a process.")
    parser.add_argument("--rounds", type=int, default=2, help="Processes, warm and cold, a checkout.")
    parser.add_argument("--against", type=lambda text: Path(text).resolve(), help="Another checkout, run in turn with this one.")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(asdict(warm(given.photograph, given.vlm, given.second, given.repeats))))
        return
    for name, costs in measure([ROOT, *filter(None, [given.against])], given).items():
        print(told(name, costs))


if __name__ == "__main__":
    main()
