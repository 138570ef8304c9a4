"""A file or an array → the network's input, or a refusal; gates can be overruled by name, and that is kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from osteolens.data.colour import coloured_share
from osteolens.data.images import SMALLEST_SIDE, Grey, Reading, decode, read_file
from osteolens.data.preprocessing import decode_for, resize
from osteolens.domain import Preprocessing
from osteolens.errors import ConfigError, DataError, GateError, RegionError
from osteolens.inference.answer import Objection
from osteolens.inference.gates import GATES, LOOK_SIDE, look_at, objections

BODY_PART = "body-part"  # of a DICOM header
NOVELTY = "novelty"  # distance of the features; the only gate that the network itself keeps
GATE_NAMES = (BODY_PART, *(gate.name for gate in GATES), NOVELTY)


@dataclass(frozen=True, slots=True, eq=False)
class InputPicture:
    """A picture that may be answered.

    Attributes
    ----------
    pixels
        uint8 [S, S], resized.
    accepted
        What gates had against it and was overruled.
    """

    pixels: Grey
    accepted: tuple[Objection, ...]


def accepted_gates(names: Collection[str]) -> frozenset[str]:
    """Return the names of gates to overrule, checked; raises :class:`osteolens.errors.ConfigError`."""
    if unknown := sorted(set(names) - set(GATE_NAMES)):
        raise ConfigError(f"--accept: there is no gate {', '.join(unknown)}. The gates are {', '.join(GATE_NAMES)}.")
    return frozenset(names)


def examine_file(path: Path, record: Preprocessing, accept: frozenset[str]) -> InputPicture:
    """Read a file as the network sees it, unless a gate that is not accepted objects.

    Raises
    ------
    DataError
        The file cannot be read; see :func:`osteolens.data.images.read_grey`.
    GateError
        A gate objects.
    """
    data, name = read_file(path), str(path)
    found: list[Objection] = []
    try:
        reading = decode_for(data, record, name=name)
    except RegionError as error:
        found.append(Objection(BODY_PART, f"is a radiograph of {error.region}, as its header says"))
        _pass(found, name, accept)
        reading = decode_for(data, record, name=name, any_region=True)
    found += objections(look_at(_seen_from_afar(data, reading, name), colour=coloured_share(data)))
    return InputPicture(resize(reading.grey, record, shape=reading.shape), _pass(found, name, accept))


def examine_array(grey: Grey, name: str, record: Preprocessing, accept: frozenset[str]) -> InputPicture:
    """Do the same for a picture in memory, uint8 [height, width], upright and black 0.

    Raises
    ------
    DataError
        It is of another kind, or too small.
    GateError
        A gate objects.
    """
    if grey.dtype != np.uint8 or grey.ndim != 2 or min(grey.shape) < SMALLEST_SIDE:
        raise DataError(
            f"{name} is an array of {grey.dtype} {list(grey.shape)}; a picture is grey, uint8 [height, width], with at "
            f"least {SMALLEST_SIDE} pixels a side. Convert it first, or name its file."
        )
    reading = Reading(grey, (grey.shape[0], grey.shape[1]))
    accepted = _pass(objections(look_at(reading)), name, accept)
    return InputPicture(resize(grey, record), accepted)


def _seen_from_afar(data: bytes, reading: Reading, name: str) -> Reading:
    """Return the picture as finely as the gates look; the network may need less of a large JPEG."""
    if min(reading.grey.shape) >= LOOK_SIDE or reading.grey.shape == reading.shape:
        return reading
    return decode(data, name=name, at_least=LOOK_SIDE)


def _pass(found: list[Objection], name: str, accept: frozenset[str]) -> tuple[Objection, ...]:
    """Return what was found where all of it is accepted."""
    for objection in found:
        if objection.gate not in accept:
            raise refusal(name, objection)
    return tuple(found)


def refusal(name: str, objection: Objection) -> GateError:
    """Return the error that tells of an objection, and of the way out."""
    told = f"{name} {objection.reason}. It is answered all the same with --accept {objection.gate}."
    return GateError(told, gate=objection.gate)
