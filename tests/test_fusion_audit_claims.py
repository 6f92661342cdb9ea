"""Rows 1 and 3 on drawn scenes: texts whose truth is known by construction, and the cheats that must not score."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from drawn_truth import image, spots, truth

from fusion.audit.claims import DENIAL, DENY, SPECS, TEMPLATE, judged, measure_claims
from fusion.audit.figures import ORACLE, PRODUCT, Figure, Result, measure
from fusion.audit.nulls import peer_of, references, same_grade, template
from fusion.audit.texts import raw_text, written
from fusion.audit.truth import Truth, truth_of
from fusion.audit.verdicts import verdicts
from retinai.errors import DataError

BLEEDING = truth(spots("HE", "superotemporal", 4), spots("EX", "inferonasal", 2))
"""Four haemorrhages above and temporal, two hard exudates below and nasal; no microaneurysm, no soft exudate."""


def counts(text: str, scene: Truth = BLEEDING) -> dict[str, float]:
    return dict(measure_claims(raw_text(text), scene))


def figures(texts: dict[str, str], scene: Truth = BLEEDING) -> dict[str, Figure]:
    """Every figure of a product that says `texts`, photograph -> text, of one scene."""
    results = []
    for name, text in texts.items():
        results.append(Result(name, "claims", PRODUCT, measure_claims(raw_text(text), scene)))
        results.append(Result(name, "claims", ORACLE, measure_claims(written(scene.facts.evidence), scene)))
        results.append(Result(name, "claims", DENY, measure_claims(raw_text(DENIAL), scene)))
    return {spec.name: measure(spec, results, 50) for spec in SPECS}


def test_true_and_false_claims_are_counted_apart() -> None:
    found = counts("4 haemorrhages. Hard exudates in the superotemporal quadrant. Soft exudates. No microaneurysms. No haemorrhages.")
    assert (found["told_positive"], found["right_positive"], found["contradicted_positive"]) == (3, 1, 2)
    assert (found["told_negative"], found["right_negative"]) == (2, 1)
    assert (found["found_classes"], found["true_positive_classes"]) == (1, 2)  # haemorrhages are denied too


def test_who_says_and_denies_has_said_nothing() -> None:
    found = counts("There are more than 100 haemorrhages. No haemorrhages. Soft exudates are seen. No soft exudates.")
    assert found["found_classes"] == 0 and found["denied_classes"] == 0
    assert (found["told_positive"], found["contradicted_positive"], found["made_up"]) == (2, 2, 1)


def test_made_up_classes_are_chair() -> None:
    found = counts("Haemorrhages and soft exudates are seen. Microaneurysms are seen. No hard exudates.")
    assert (found["mentions"], found["made_up"], found["sentences"], found["sentences_made_up"]) == (3, 2, 2, 2)


def test_a_hedge_is_told_and_not_found() -> None:
    found = counts("Possible soft exudates. Possible haemorrhages.")
    assert (found["told_positive"], found["right_positive"], found["found_classes"], found["made_up"]) == (2, 1, 0, 1)


def test_what_no_mask_shows_is_scored_nowhere() -> None:
    found = counts("Neovascularisation of the disc. Haemorrhages along the arcades.")
    assert found["told_positive"] == 0 and found["mentions"] == 1 and found["not_assessable"] == 1


def test_naming_none_of_two_lesions_and_denying_the_rest_scores_nothing() -> None:
    denial = "No microaneurysms. No haemorrhages. No hard exudates. No soft exudates. No neovascularisation. No venous beading. No IRMA."
    found = figures({"a": denial, "b": denial})
    assert found["raw_f1"].value == 0 and found["raw_recall"].value == 0 and isnan(found["raw_precision"].value)
    assert found["raw_denials_precision"].value == 0.5 and found["raw_balanced"].value == 0


def test_a_figure_that_a_photograph_drawn_twice_would_move_has_no_interval() -> None:
    found = figures({"a": "Haemorrhages.", "b": "Hard exudates.", "c": "Soft exudates."})["raw_sameness"]
    assert found.value == pytest.approx(1 / 3) and isnan(found.low) and isnan(found.high)


def test_the_oracle_is_right_in_everything_and_leaves_nothing_out() -> None:
    found = measure_claims(written(BLEEDING.facts.evidence), BLEEDING)
    assert found["told_positive"] == found["right_positive"] == 4  # two counts, and each in its quadrant
    assert found["told_negative"] == found["right_negative"] == 2
    assert found["found_classes"] == 2 and found["denied_classes"] == 2 and found["made_up"] == 0


def test_verdicts_are_those_of_the_masks() -> None:
    ((claim,),) = judged(raw_text("More than 20 haemorrhages."), BLEEDING)
    assert (claim.verdict, claim.reason) == ("contradicted", "4 haemorrhages are marked")


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(DataError, match="drawn: the mask of HE is 30x20 px, the photograph 400x400"):
        truth_of({"HE": np.zeros((20, 30), np.bool_)}, image())


def test_the_denier_is_flagged() -> None:
    found = {v.name: v for v in verdicts(list(figures({"a": DENIAL, "b": DENIAL}).values()))}
    assert found["denier"].flagged is True
    assert found["denier"].line == "The answers name 0% of the 4 lesion classes that are there."


def test_an_honest_text_is_not_flagged() -> None:
    honest = "4 haemorrhages and 2 hard exudates are seen. No microaneurysms or soft exudates."
    other = "Haemorrhages in the superotemporal quadrant. Hard exudates in the inferonasal quadrant. No microaneurysms or soft exudates."
    found = {v.name: v.flagged for v in verdicts(list(figures({"a": honest, "b": other}).values()))}
    assert found["denier"] is False and found["template"] is False and found["no better than a null"] is False
    assert found["photo-blind"] is None


def test_one_report_for_different_eyes_is_a_template() -> None:
    scenes = {"a": BLEEDING, "b": truth(spots("SE", "superonasal", 1, side=20)), "c": truth(spots("MA", "inferonasal", 3))}
    results = []
    for name, scene in scenes.items():
        results.append(Result(name, "claims", PRODUCT, measure_claims(raw_text("Haemorrhages and hard exudates."), scene)))
        results.append(Result(name, "claims", ORACLE, measure_claims(written(scene.facts.evidence), scene)))
    found = {v.name: v for v in verdicts([measure(spec, results, 20) for spec in SPECS])}
    assert found["template"].flagged is True
    assert found["template"].line == "100% of the answers make the same claims, 33% of the true reports do."


def test_nulls_are_made_of_the_other_photographs() -> None:
    own = peer_of("b", BLEEDING)
    others = [peer_of(name, truth(spots("HE", "superonasal", 2), spots("MA", "superonasal", 1))) for name in ("a", "c", "d")]
    texts = dict(references(own, others))
    majority = dict(measure_claims(texts[TEMPLATE], BLEEDING))
    assert majority["told_positive"] == 4 and majority["right_positive"] == 1  # haemorrhages, but not superonasal, and no microaneurysms
    assert template(others) == texts[TEMPLATE]
    assert same_grade(own, others) is others[1]  # the next by name


def test_there_is_no_report_of_the_same_grade_without_one() -> None:
    own, mild = peer_of("a", BLEEDING), peer_of("b", truth(spots("MA", "superonasal", 1)))
    assert (own.level, mild.level) == (2, 1)
    assert same_grade(own, [mild]) is None and "null:other" not in dict(references(own, [mild]))


def test_precision_and_recall_of_a_known_text() -> None:
    found = figures({"a": "4 haemorrhages. Soft exudates.", "b": "4 haemorrhages. Soft exudates."})
    assert found["raw_precision"].value == 0.5 and found["raw_recall"].value == 0.5 and found["raw_f1"].value == pytest.approx(0.5)
    assert found["raw_chair_i"].value == 0.5 and found["raw_chair_s"].value == 0.5
    assert found["raw_f1"].oracle == pytest.approx(1.0) and found["raw_f1"].closed == pytest.approx(0.5)
