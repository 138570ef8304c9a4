from __future__ import annotations

from typing import Any

import pytest

from osteolens.reporting.proof_words import cascade_sentence, class_sentences, fill_sentences

BETTER, WORSE, OPEN = (-0.2, -0.1), (0.1, 0.2), (-0.1, 0.2)  # limits, for deletion


def figure(low: float, high: float) -> dict[str, Any]:
    return {"value": (low + high) / 2, "low": low, "high": high, "reason": None}


def fill(limits: tuple[float, float]) -> dict[str, Any]:
    deletion = {order: figure(*limits) for order in ("body", "centre")}
    insertion = {order: figure(-limits[1], -limits[0]) for order in ("body", "centre")}
    return {
        "per_answered_class": {
            "Benign": {"deletion": {"differences": deletion}, "insertion": {"differences": insertion}}
        }
    }


def of_class(blurred: tuple[float, float], scrambled: tuple[float, float], n: int = 20) -> str:
    fills = {"blurred": fill(blurred), "scrambled": fill(scrambled)}
    proof = {"drawn": {"Benign": {"n": n, "cases": n}}, "deletion_insertion": {"fills": fills}}
    (sentence,) = class_sentences(proof)
    return sentence.replace("\N{MINUS SIGN}", "-")


def test_a_class_in_favour_of_the_map_throughout() -> None:
    told = of_class(BETTER, BETTER)
    assert told.startswith("Answered Benign (20 images of 20 cases): what the map marks matters to these answers, by")
    assert "Map less random cells of the body: deletion blurred -0.150 (-0.200 to -0.100), in favour of the map" in told
    centre = told.partition("the order from the centre: ")[2]
    assert "insertion blurred +0.150 (+0.100 to +0.200), in favour of the map and scrambled" in centre
    assert "depends on the fill" not in told


@pytest.mark.parametrize(
    ("limits", "verdict"), [(WORSE, "against the map"), (OPEN, "the interval includes 0"), ((0.0, 0.2), "includes 0")]
)
def test_one_fill_that_does_not_favour_the_map_is_enough(limits: tuple[float, float], verdict: str) -> None:
    told = of_class(BETTER, limits)
    assert verdict in told
    assert "the sign depends on the fill" in told
    assert ": it is not shown that these answers rest on what the map marks, since not every comparison" in told


def test_a_class_without_an_image() -> None:
    assert of_class(BETTER, BETTER, n=0) == "Answered Benign: no image."


def cascade(values: list[float], unrelated: float | None) -> str:
    steps = [
        {
            "stage": f"blocks.{place}",
            "spearman": {"value": value},
            "of_draws": {"spearman": [value - 0.25, value, None]},
        }
        for place, value in enumerate(values)
    ]
    other = {"value": unrelated, "low": None, "high": None, "reason": "one image"}
    return cascade_sentence({"n": 6, "cases": 5, "randomisation": {"steps": steps, "unrelated": {"spearman": other}}})


def test_all_stages_are_told_and_not_the_last_alone() -> None:
    told = cascade([0.5, 0.125, 0.375], 0.25)
    assert "from 0.125 to 0.500, in single draws from \N{MINUS SIGN}0.125 to 0.500." in told
    assert told.endswith("It is higher than with other images while weights are random down to: blocks.0; blocks.2.")
    assert cascade([0.125, 0.0], 0.25).endswith("than those of other images are.")
    assert "not defined" in cascade([0.125], None)


def test_a_confident_answer_to_a_fill_is_warned_of() -> None:
    record = {"answer": {"Normal": 0.125, "Malignant": 0.875}, "fill": "grey"}
    fills = {"one": {**record, "confident_of": "Malignant"}, "other": {**record, "confident_of": None}}
    warned, plain = fill_sentences({"confident_from": 0.75, "fills": fills})
    assert "Normal 0.125, Malignant 0.875" in warned
    assert "not neutral (it would be below 0.750," in warned
    assert plain.endswith("Normal 0.125, Malignant 0.875.")
