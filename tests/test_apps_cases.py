"""What is kept of a photograph, how it is brought down to what memory there is, and in what order a list of them stands."""

from __future__ import annotations

from typing import Any

import pytest
from standin_detector import DrawnDetector, pipeline
from viewer_case import NAME, black, case, changed, photograph, ungradable

from apps.cases import Case, Upload, read_case, turned_away
from apps.memory import ON_CPU, ONE_SIZE, MemoryRanOut
from apps.queue import Line, Ticket
from apps.session import MOST, Door, Session
from apps.worklist import ordered, row, urgency
from retinai.errors import ImageError
from retinai.pipeline import Pipeline
from retinai.types import Advice, FundusImage, LesionMap


def test_a_case_holds_no_pixels_and_opens_to_the_same_reading() -> None:
    kept = case()
    reading = kept.open()
    assert reading.lesion_map is None and reading.image.pixels.shape == (712, 1072, 3)
    assert kept.explanation and [lesion.id for lesion in kept.explanation.lesions][:2] == ["MA-1", "MA-2"]
    assert kept.saliency and max(kept.saliency.values.shape) == 512
    assert reading.saliency and reading.saliency.values.shape == (712, 1072)
    assert set(kept.masks or {}) == {"MA", "HE", "EX", "SE", "OD"}


def test_the_upload_s_name_is_in_nothing_that_leaves() -> None:
    kept = case()
    assert NAME.split(".")[0] not in str(kept.document) and NAME.split(".")[0] not in kept.label
    assert kept.explanation and kept.explanation.image == "case-1" and kept.label == "Case 1, right eye"
    assert kept.explanation.provenance["image_sha256"] == kept.upload.sha256


def test_an_eye_that_was_told_is_kept() -> None:
    assert case(3, 2, "left").label == "Case 3, left eye"


def test_ungradable_is_a_finding() -> None:
    kept = ungradable()
    assert kept.explanation and not kept.explanation.quality.gradable and kept.masks == {} and not kept.error


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "this file is empty"),
        (b"%PDF-1.4" * 20, "this file is a PDF file"),
        (photograph()[:9000], "this file is truncated"),
        (photograph()[:9000] + b"\xff\xd9", "this file is truncated"),
    ],
)
def test_the_content_decides_and_no_name_is_told(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words) as error:
        read_case(pipeline(), Upload(1, NAME, data, 1))
    assert "Jane" not in str(error.value)


class Hungry(DrawnDetector):
    """Runs out of memory as often as told, and then has it."""

    def __init__(self, message: str, times: int, device: str = "cpu") -> None:
        super().__init__()
        self.message, self.left, self.device.type, self.model = message, times, device, None

    def detect(self, image: FundusImage) -> LesionMap:
        self.left -= 1
        if self.left >= 0:
            raise RuntimeError(self.message)
        return super().detect(image)


def read_hungry(monkeypatch: pytest.MonkeyPatch, hungry: Hungry) -> tuple[Case, list[Any]]:
    """The case, and (sides, device) of every detector that was made on the way."""
    made: list[Any] = []

    def make(model: object, card: Any, device: Any, profiles: Any) -> Hungry:
        hungry.card, hungry.sides, hungry.device = card, card["sides"], device
        made.append((card["sides"], device.type))
        return hungry

    class Model:
        def cpu(self) -> Model:
            return self

    hungry.model = Model()  # type: ignore[assignment]
    monkeypatch.setattr("apps.memory.LesionDetector", make)
    whole = pipeline()
    whole.detector = hungry  # type: ignore[assignment]
    return read_case(whole, Upload(1, NAME, photograph(), 1)), made


OUT = "CUDA out of memory. Tried to allocate 2.00 GiB"


def test_without_memory_one_working_size_is_used_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, made = read_hungry(monkeypatch, Hungry(OUT, 1))
    assert made == [([1536], "cpu")] and kept.notes == (ONE_SIZE,)
    assert kept.explanation and kept.explanation.provenance["sides"] == [1536]


def test_without_graphics_memory_the_processor_is_used_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, made = read_hungry(monkeypatch, Hungry(OUT, 2, "cuda"))
    assert made == [([1536], "cuda"), ([1536], "cpu")] or made == [([1536], "cuda"), ([1536, 2048], "cpu")]
    assert kept.notes == (ON_CPU,) and kept.explanation and kept.explanation.answer is None


def test_without_any_memory_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MemoryRanOut, match="not enough free memory"):
        read_hungry(monkeypatch, Hungry("DefaultCPUAllocator: can't allocate memory", 9))


def test_another_error_is_not_taken_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="shapes differ"):
        read_hungry(monkeypatch, Hungry("shapes differ", 1))


def advice(months: int, level: int, *human: str) -> Advice:
    return Advice(level, "lesions", "text", "ICO-2", True, months, human)


def test_the_most_urgent_stand_first() -> None:
    unread, quiet = Case(Upload(9, NAME, b"", 9), error="x"), changed(0, 1, advice=advice(24, 0))
    soon, split = changed(2, 2, advice=advice(1, 2)), changed(2, 3, advice=advice(1, 2, "the graders differ"))
    later, worse = changed(2, 4, advice=advice(3, 2)), changed(3, 5, advice=advice(3, 3))
    cases = [quiet, later, soon, worse, split, unread]
    assert sorted(cases, key=urgency) == [unread, split, soon, worse, later, quiet]


def test_while_own_grades_come_first_the_order_and_the_rows_tell_nothing() -> None:
    session = Session()
    session.cases = [changed(0, 1, advice=advice(24, 0)), changed(3, 2, advice=advice(1, 3)), changed(2, 3, advice=advice(3, 2))]
    assert [c.upload.number for c in ordered(session)] == [2, 3, 1]
    session.blind = True
    assert [c.upload.number for c in ordered(session)] == [1, 2, 3]
    assert row(session.cases[1], True) == {"case": "Case 2", "file": NAME, "what to do": "", "readings": "your grade first"}
    session.own[3] = 1
    assert [c.upload.number for c in ordered(session)] == [3, 1, 2]


def test_rows_say_what_to_do_and_the_readings() -> None:
    human = row(changed(2, advice=advice(1, 2, "the graders differ")), False)
    assert human["what to do"] == "Refer within 1 month. At least moderate NPDR."
    assert human["readings"] == "By visible lesions: grade 2, moderate NPDR, or higher; DME risk 0. Needs review by a grader."
    assert row(ungradable(), False) | {"file": ""} == {
        "case": "Case 2",
        "file": "",
        "what to do": "Take another photograph.",
        "readings": "ungradable",
    }


class Now(Line):
    """Serves at once."""

    def join(self, work: Any) -> Ticket:
        ticket = Ticket(work)
        ticket.run()
        return ticket


def test_a_session_sends_one_photograph_at_a_time_and_opens_the_last() -> None:
    session, line = Session(), Now()
    session.add([("a.png", b"1", "right"), ("b.png", b"2", "left")], together=True)
    session.add([("c.png", b"3", None)])
    assert [(u.number, u.patient) for u in session.waiting] == [(1, 1), (2, 1), (3, 2)]
    assert not session.step(line, Case) and session.ticket and session.batch() == (0, 3)
    assert session.step(line, Case) and session.batch() == (1, 3) and session.page == "start"
    assert session.step(line, Case) and session.step(line, Case) and not session.step(line, Case)
    assert (session.page, session.number, session.busy) == ("case", 3, False)


class Never(Line):
    """Never serves: everybody waits for a model."""

    def join(self, work: Any) -> Ticket:
        return Ticket(work)


class NoDetector(DrawnDetector):
    def detect(self, image: FundusImage) -> LesionMap:
        pytest.fail("a model was asked")


def test_an_unfit_photograph_is_told_at_once_without_a_model() -> None:
    models = Pipeline(NoDetector())  # type: ignore[arg-type]
    session, line, door = Session(), Never(), Door(Now(), lambda upload: turned_away(models, upload))
    session.add([("a.jpg", photograph(), None), ("b.png", black(), None), ("c.gif", b"GIF89a" + bytes(99), None)])
    for _ in range(8):
        session.step(line, Case, door)
    assert [(kept.upload.number, kept.error) for kept in session.cases[:1]] == [(2, None)]
    assert session.cases[0].explanation and not session.cases[0].explanation.quality.gradable
    assert session.cases[1].error and "GIF" in session.cases[1].error
    assert [upload.number for upload in session.waiting] == [1] and session.ticket and session.batch() == (2, 3)


def test_no_photograph_goes_into_the_line_before_the_gate_let_it() -> None:
    session, asked = Session(), []
    session.add([("a.png", b"1", None)])
    blocked = Door(Never(), lambda upload: None)
    for _ in range(4):
        session.step(Now(), lambda upload: asked.append(upload) or Case(upload), blocked)
    assert asked == [] and session.ticket is None and session.door and session.busy
    session.stop(Now(), blocked)
    assert session.door is None and not session.busy


def test_what_was_shown_is_remembered_by_the_photograph() -> None:
    session = Session()
    session.saw(case())
    session.saw(ungradable())
    assert session.seen == {case().upload.sha256} == {case(7).upload.sha256}  # the same file again, as another case


def test_a_page_that_slept_queues_again() -> None:
    session, line = Session(), Now()
    session.add([("a.png", b"1", None)])
    session.ticket = Ticket(lambda: None)
    session.ticket.lost = True
    assert not session.step(line, Case) and session.ticket and not session.ticket.lost
    assert session.step(line, Case)


def test_a_failed_photograph_is_a_case_with_its_reason() -> None:
    def fail(upload: Upload) -> Case:
        raise ImageError("this file is empty (0 bytes)")

    session, line = Session(), Now()
    session.add([("a.png", b"", None)])
    session.step(line, fail)
    session.step(line, fail)
    assert [kept.error for kept in session.cases] == ["this file is empty (0 bytes)"]


def test_a_session_holds_so_many_and_says_how_many_were_left_out() -> None:
    session = Session()
    assert session.add([("x", b"", None)] * (MOST + 3)) == 3 and len(session.waiting) == MOST


def test_the_second_click_flies_back_and_a_row_moves_the_picture_once() -> None:
    session = Session()
    session.fly("HE-1")
    session.pick("EX-2")
    session.pick("EX-2")
    assert (session.focus, session.nonce) == ("EX-2", 2)
    session.fly("EX-2")
    session.pick("EX-2")
    assert (session.focus, session.nonce) == (None, 3)
