"""What randomised weights, deletion and insertion say of the maps, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteolens.reporting.html import fixed
from osteolens.reporting.metric_table import NOT_DEFINED, difference_text, metric_text
from osteolens.wording import counted

KINDS = {"deletion": "lower", "insertion": "higher"}  # and which area is better
_AGAINST = {"body": "random cells of the body", "centre": "the order from the centre"}


def draws_text(step: dict[str, Any], measure: str = "spearman") -> str:
    """Return the lowest and the highest of the draws of a step of the cascade: ``-0.120 to 0.345``."""
    return _range([value for value in step["of_draws"][measure] if value is not None])


def cascade_sentence(proof: dict[str, Any]) -> str:
    """Return how like the maps stay over all stages, beside those of other images."""
    cascade = proof["randomisation"]
    steps, unrelated = cascade["steps"], cascade["unrelated"]["spearman"]
    defined = [step for step in steps if step["spearman"]["value"] is not None]
    of_draws = [value for step in steps for value in step["of_draws"]["spearman"] if value is not None]
    told = (
        f"On {counted(proof['n'], 'image')} ({counted(proof['cases'], 'case')}), the rank correlation with the trained "
        f"network's map, mean of the draws, ranges over all stages from "
        f"{_range([step['spearman']['value'] for step in defined])}, in single draws from {_range(of_draws)}. That "
        f"with the maps of other images that have the same answer is {metric_text(unrelated)}."
    )
    if unrelated["value"] is None:
        return told
    alike = [step["stage"] for step in defined if step["spearman"]["value"] > unrelated["value"]]
    if not alike:
        return f"{told} After no stage are the maps more like the trained network's than those of other images are."
    return f"{told} It is higher than with other images while weights are random down to: {'; '.join(alike)}."


def fill_sentences(record: dict[str, Any]) -> Iterator[str]:
    """Yield how the network answers each fill alone, and a warning where it does so confidently."""
    for name, fill in record["fills"].items():
        answer = ", ".join(f"{answered} {fixed(share)}" for answered, share in fill["answer"].items())
        told = f"Fill {name}: {fill['fill']}. The fill alone is answered with the mean probabilities {answer}."
        if fill["confident_of"] is not None:
            told += (
                f" That is not neutral (it would be below {fixed(record['confident_from'])}, halfway between an even "
                f"answer and a certain one): the more of this fill is shown, the more every picture looks "
                f"{fill['confident_of']}, whatever the map marks. A difference between orders counts where the other "
                "fill gives it too."
            )
        yield told


def class_sentences(proof: dict[str, Any]) -> Iterator[str]:
    """Yield, for each answered class, the map against random cells of the body and the order from the centre."""
    fills = proof["deletion_insertion"]["fills"]
    for name, drawn in proof["drawn"].items():
        if drawn["n"] == 0:
            yield f"Answered {name}: no image."
            continue
        of_fills = {fill: of["per_answered_class"][name] for fill, of in fills.items()}
        told = [f"Answered {name} ({counted(drawn['n'], 'image')} of {counted(drawn['cases'], 'case')}): "]
        told.append(_conclusion([*of_fills.values()]))
        for order, words in _AGAINST.items():
            parts = [
                f"{kind} {_differences(kind, {fill: of[kind]['differences'][order] for fill, of in of_fills.items()})}"
                for kind in KINDS
            ]
            told.append(f" Map less {words}: {'; '.join(parts)}.")
        yield "".join(told)


def _differences(kind: str, found: dict[str, dict[str, Any]]) -> str:
    parts = [f"{fill} {difference_text(entry)}, {_verdict(kind, entry)}" for fill, entry in found.items()]
    values = [entry["value"] for entry in found.values() if entry["value"] is not None]
    mixed = bool(values) and min(values) < 0 < max(values)
    return " and ".join(parts) + (" (the sign depends on the fill)" if mixed else "")


def _verdict(kind: str, entry: dict[str, Any]) -> str:
    if entry["low"] is None or entry["high"] is None:
        return "no interval"
    if entry["low"] <= 0 <= entry["high"]:
        return "the interval includes 0"
    favours = (entry["high"] < 0) == (KINDS[kind] == "lower")
    return "in favour of the map" if favours else "against the map"


def _conclusion(of_fills: list[dict[str, Any]]) -> str:
    """Return whether every comparison with random cells of the body favours the map."""
    verdicts = {_verdict(kind, of[kind]["differences"]["body"]) for of in of_fills for kind in KINDS}
    if verdicts == {"in favour of the map"}:
        return "what the map marks matters to these answers, by every comparison with random cells of the body."
    return (
        "it is not shown that these answers rest on what the map marks, since not every comparison with random cells "
        "of the body favours the map."
    )


def _range(values: list[float]) -> str:
    return f"{fixed(min(values))} to {fixed(max(values))}" if values else NOT_DEFINED
