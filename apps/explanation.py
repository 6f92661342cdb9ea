"""What is said of one photograph, beside its picture: what to do, the readings, cited sentences, what was withheld and unseen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from apps.cases import Case
from apps.links import linked, plain
from apps.words import RULES, SMALL_PRINT, WITHHELD, clauses, headline, in_short, parts
from retinai.lesions import GRADES
from retinai.types import Explanation, Grade

_BAR = (
    '<div style="display:grid;grid-template-columns:1.2em 1fr 3em;gap:.15rem .5rem;align-items:center;font-size:.85rem" '
    'role="img" aria-label="{label}">{rows}</div>'
)
_ROW = (
    "<span>{level}</span>"
    '<span style="height:.6rem;border-radius:.3rem;background:color-mix(in srgb,currentColor 14%,transparent)">'
    '<span style="display:block;height:100%;width:{share:.1%};border-radius:.3rem;background:currentColor;opacity:{opacity}"></span></span>'
    '<span style="text-align:right">{percent}</span>'
)


def show_explanation(case: Case) -> None:
    """All of it, for a gradable photograph."""
    explanation = case.explanation
    if explanation is None:
        raise ValueError(f"{case.label} was not read")
    _head(explanation)
    for note in case.notes:
        st.warning(note, icon=":material/memory:")
    lesions = [lesion.id for lesion in explanation.lesions]
    for heading, lines in parts(explanation):
        if heading.startswith(WITHHELD):
            _withheld(lines)
        elif heading == SMALL_PRINT:
            _small_print(explanation, lines)
        elif not heading.startswith(RULES):
            st.markdown(f"**{plain(heading)}**\n\n" + "\n".join(f"- {linked(line, lesions)}" for line in lines))
    with st.expander("The rules that were applied"):
        for clause in clauses(explanation):
            st.markdown(f"**{clause.id}** {plain(clause.text)}  \n:small[{plain(clause.source)}]")


def _head(explanation: Explanation) -> None:
    """What is read in one look: what to do, and the three readings."""
    st.markdown(f"#### {plain(headline(explanation))}")
    human = bool(explanation.advice and explanation.advice.human)
    box = st.warning if human else st.info
    box("  \n".join(plain(line) for line in in_short(explanation)), icon=":material/person_search:" if human else ":material/info:")


def _small_print(explanation: Explanation, lines: Sequence[str]) -> None:
    """The numbers behind the grades, behind a fold."""
    with st.expander(SMALL_PRINT):
        st.markdown("\n".join(f"- {plain(line)}" for line in lines))
        if explanation.answer and explanation.answer.grade:
            st.caption("Language model: chance of each grade")
            _probabilities(explanation.answer.grade)


def _withheld(lines: Sequence[str]) -> None:
    with st.expander(f"Withheld: {len(lines)} of the language model's statements"):
        st.caption("Not findings. Each stands with the reason why it was not let through.")
        st.markdown("\n".join(f"- {plain(line)}" for line in lines))


def _probabilities(grade: Grade) -> None:
    rows = "".join(
        _ROW.format(level=level, share=p, percent=f"{p:.0%}", opacity=0.9 if level == grade.level else 0.45)
        for level, p in enumerate(grade.probs)
    )
    label = "Probability of each grade: " + ", ".join(f"{level} {p:.0%}" for level, p in enumerate(grade.probs))
    st.html(_BAR.format(label=label, rows=rows))


def show_ungradable(case: Case) -> None:
    """What is wrong with the photograph and how to take it again; nothing is graded."""
    explanation = case.explanation
    reasons = explanation.quality.reasons if explanation else ()
    st.markdown("#### Ungradable")
    st.warning("\n".join(f"- {plain(reason)}" for reason in reasons), icon=":material/no_photography:")
    st.markdown("Nothing was graded: this is neither a healthy nor a diseased eye. Please take another photograph.")
    st.markdown("**How to take it again**\n\n" + "\n".join(f"- {line}" for line in RETAKE))


RETAKE = (
    "Wait in the dark until the pupil is wide, or use drops where that is allowed.",
    "Clean the lens. Ask the patient to blink, then to look at the fixation light.",
    "Move until the whole round field is in the picture, with the disc and the macula in it.",
    "Focus on the vessels at the disc. More flash for a dark picture, less for a white one.",
    "Lids or lashes in the way: hold them gently. Cloudy media: say so in the record, and refer for an examination.",
)


def grades_table() -> str:
    """The meaning of the grades, as Markdown."""
    seen = (
        "no sign of retinopathy",
        "microaneurysms only",
        "more than microaneurysms, less than grade 3",
        "more than 20 haemorrhages in each quadrant, or venous beading in two, or prominent IRMA in one",
        "new vessels, or blood in the vitreous or before the retina",
    )
    rows = [f"| {level} | {name} | {sign} |" for level, (name, sign) in enumerate(zip(GRADES, seen, strict=True))]
    return "\n".join(["| grade | diabetic retinopathy (ICDR) | signs |", "|---|---|---|", *rows])
