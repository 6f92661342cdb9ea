"""The rule of the validation split."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from retinai.readers.listing import Listing
from retinai.readers.record import Record
from retinai.readers.splits import hold_out, prepare


def record(name: str, grade: int = 0, patient: str | None = None, split: str = "train", source: str = "drawn") -> Record:
    return Record(name, split, Path(f"/nowhere/{name}.png"), source, grade=grade, patient=patient)


def held_out(records: list[Record]) -> set[str]:
    return {r.id for r in records if r.split == "validation"}


def test_a_fifth_of_each_grade() -> None:
    records = hold_out([record(f"p{i}", grade=i % 5 if i < 90 else 4) for i in range(100)])
    assert Counter(r.grade for r in records if r.split == "validation") == {0: 4, 1: 4, 2: 4, 3: 4, 4: 6}  # of 18, 18, 18, 18, 28


def test_the_rule_itself_is_fixed() -> None:
    """These names would change only with the rule, and with it the meaning of every figure measured so far."""
    assert held_out(hold_out([record(f"IDRiD_{n:03d}") for n in range(1, 21)])) == {"IDRiD_002", "IDRiD_003", "IDRiD_010", "IDRiD_020"}


@given(st.permutations(range(30)))
def test_order_does_not_matter(order: list[int]) -> None:
    names = [record(f"p{i}", grade=i % 3) for i in range(30)]
    assert held_out(hold_out([names[i] for i in order])) == held_out(hold_out(names))


def test_patients_stay_together_by_their_highest_grade() -> None:
    records = hold_out([record(f"{p}_{eye}", grade=eye * (p % 2), patient=f"P{p}") for p in range(40) for eye in (0, 1)])
    splits = {patient: {r.split for r in records if r.patient == patient} for patient in {r.patient for r in records}}
    assert all(len(found) == 1 for found in splits.values())
    assert Counter(int(p[1:]) % 2 for p, found in splits.items() if p and found == {"validation"}) == {0: 4, 1: 4}  # of 20 and 20


def test_pins_come_first_and_pinned_training_is_never_held_out() -> None:
    records = [record(f"p{i}") for i in range(20)]
    free = held_out(hold_out(records))
    kept_away = dict.fromkeys(free, "train")
    other = held_out(hold_out(records, kept_away | {"p19": "validation"}))
    assert len(free) == len(other) == 4 and not free & other and "p19" in other


def test_more_pins_than_a_fifth_all_go() -> None:
    pins = {f"p{i}": "validation" for i in range(6)}
    assert held_out(hold_out([record(f"p{i}") for i in range(10)], pins)) == set(pins)


def test_a_published_validation_part_is_left_alone(tmp_path: Path) -> None:
    published = [on_disk(tmp_path, record(f"p{i}", split="train" if i < 10 else "validation")) for i in range(12)]
    assert prepare(Listing("drawn", tmp_path, published)).records == published
    assert len(held_out(prepare(Listing("drawn", tmp_path, published[:10])).records)) == 2


def test_a_patient_in_two_published_splits_is_a_leak(tmp_path: Path) -> None:
    records = [on_disk(tmp_path, record(f"p{i}", patient="P7", split=split)) for i, split in enumerate(("train", "test"))]
    problems = prepare(Listing("drawn", tmp_path, records)).problems
    assert [(p.file.name, p.kind, p.text) for p in problems] == [("p0", "leak", "patient P7 is in test and train")]


def on_disk(folder: Path, record: Record) -> Record:
    """The same record with a file of its own."""
    (folder / record.id).write_text(record.id)
    return replace(record, image=folder / record.id)
