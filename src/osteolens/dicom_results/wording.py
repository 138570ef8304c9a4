"""What the objects say in words: of a model's output, never of a patient."""

from __future__ import annotations

from collections.abc import Iterator

import osteolens
from osteolens.dicom_results.answered import AnsweredPicture
from osteolens.inference.answer import Call

NOT_A_DIAGNOSIS = "Output of a model, not a diagnosis. Not reviewed by a physician."
NOTICE = f"{osteolens.NOT_FOR_CLINICAL_USE} {NOT_A_DIAGNOSIS}"


def answer_lines(answered: AnsweredPicture) -> Iterator[str]:
    """Yield what the answer says, a sentence or list at a time."""
    answer = answered.answer
    kind = "Calibrated" if answered.is_calibrated else "Uncalibrated"
    ordered = sorted(answer.best_probabilities.items(), key=lambda item: -item[1])
    yield f"{kind} probabilities: " + ", ".join(f"{name} {value:.2f}" for name, value in ordered) + "."
    if answered.conformal_set is not None:
        yield f"Classes that cannot be left out: {', '.join(answered.conformal_set) or 'none'}."
    yield from map(call_words, answered.calls)
    if answer.novelty is not None:
        yield answer.novelty.words
    yield from accepted_words(answered)


def accepted_words(answered: AnsweredPicture) -> Iterator[str]:
    """Yield what was overruled so that there is an answer."""
    for objection in answered.answer.accepted:
        yield f"Answered although it {objection.reason} (gate {objection.gate}, overruled)."


def call_words(call: Call) -> str:
    """Return the answer to a question as a sentence."""
    where = "above" if call.positive else "not above"
    point = call.point.replace("_", " ")
    return f"{call.question}, {point}: {call.score:.3f} is {where} the threshold {call.threshold:.3f}."


def region_words(answered: AnsweredPicture) -> str:
    """Return what the outlined region is."""
    if answered.evidence is None:
        return "No map was made."
    return (
        f"Colour: evidence for {answered.evidence.class_name}, on a scale from none to the strongest place of this "
        f"picture; outline: {answered.evidence.threshold:.2f} of it. Not the extent of a lesion."
    )


def model_words(answered: AnsweredPicture) -> str:
    """Return which software and model answered, the latter by the beginning of its identity."""
    return f"osteolens {answered.version}, model {answered.model_id[:12]}."
