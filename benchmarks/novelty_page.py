"""The page that ``benchmarks/novelty.py`` writes: how the scores compare, what is refused, how far the gates reach."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from osteolens.evaluation.delong import auc_interval
from osteolens.inference.gates import GATES, Look
from osteolens.inference.novelty import REFUSED
from osteolens.randomness import named_generator

RESAMPLES = 2000
FOREIGN = "FracAtlas limbs"
Bools = NDArray[np.bool_]
Scores = Mapping[str, Mapping[str, NDArray[np.float64]]]


class Pictures(Protocol):
    """What the page reads of a set of pictures."""

    kinds: NDArray[np.str_]
    origins: NDArray[np.str_]
    looks: Sequence[Look]


@dataclass(frozen=True, slots=True)
class Refused:
    """Whether each picture of a set is refused by a gate, and by novelty, with its kind and origin."""

    kinds: NDArray[np.str_]
    origins: NDArray[np.str_]
    by_gate: Bools
    by_novelty: Bools

    @property
    def either(self) -> Bools:
        """Refused at all."""
        return self.by_gate | self.by_novelty


def page(sets: Mapping[str, Pictures], scores: Scores, checkpoint: str, figure: Path | None) -> str:
    """Return the page as Markdown."""
    chosen = list(scores)[-1]
    limits = {name: _limit(values["btxrd"][sets["btxrd"].kinds == "val"]) for name, values in scores.items()}
    refused = {
        key: Refused(pictures.kinds, pictures.origins, _gated(pictures.looks), scores[chosen][key] > limits[chosen])
        for key, pictures in sets.items()
    }
    picture = [f"![Share of other pictures refused]({'../images/' + figure.name})", ""] if figure else []
    lines = [
        "# Which pictures are refused",
        "",
        "Written by `python benchmarks/novelty.py --checkpoint FILE --run FOLDER --data path/to/btxrd256",
        f"--cache-dir FOLDER --markdown FILE --figure FILE` for the checkpoint `{checkpoint}`.",
        "",
        "The distance is fitted on the train part; every limit is chosen on val, where 5 % lie beyond it; test is only",
        "reported. Intervals (95 %) resample cases, or the files that pictures were cut from. Which score is used was",
        "chosen on these very pictures, so its figures are a little too good.",
        "",
        "## Scores compared, without the gates",
        "",
        *_comparison(sets, scores, limits),
        "",
        *picture,
        "## Gates and novelty together",
        "",
        *_kinds(refused),
        "",
        "## How far the gates are from radiographs",
        "",
        *_gates(sets),
    ]
    return "\n".join(lines) + "\n"


def _comparison(sets: Mapping[str, Pictures], scores: Scores, limits: Mapping[str, float]) -> list[str]:
    lines = [
        "| score | AUROC, others against BTXRD test | others refused | BTXRD test refused | FracAtlas limbs refused |",
        "|---|---|---|---|---|",
    ]
    test = sets["btxrd"].kinds == "test"
    for name, values in scores.items():
        known, strange = values["btxrd"][test], values["none"]
        positive = np.repeat([False, True], [len(known), len(strange)])
        origins = np.concatenate([sets["btxrd"].origins[test], sets["none"].origins])
        both = np.concatenate([known, strange])
        area = np.mean(strange[:, None] > known) + np.mean(strange[:, None] == known) / 2
        low, high = auc_interval(positive, both, origins, 0.95)
        cells = [name, f"{area:.3f} ({low:.3f} to {high:.3f})"]
        cells.append(_share(strange > limits[name], sets["none"].origins))
        cells.append(_share(known > limits[name], sets["btxrd"].origins[test]))
        foreign = sets.get(FOREIGN)
        cells.append("none" if foreign is None else _share(values[FOREIGN] > limits[name], foreign.origins))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _kinds(refused: Mapping[str, Refused]) -> list[str]:
    lines = [
        "| pictures | number | of files or cases | refused by a gate | by novelty | by either |",
        "|---|---|---|---|---|---|",
    ]
    for answer in refused.values():
        for kind in dict.fromkeys(answer.kinds.tolist()):
            rows = answer.kinds == kind
            name = f"BTXRD, {kind}" if kind in {"train", "val", "test"} else kind
            cells = [name, str(rows.sum()), str(len(set(answer.origins[rows])))]
            cells += [f"{100 * part[rows].mean():.1f} %" for part in (answer.by_gate, answer.by_novelty)]
            cells.append(_share(answer.either[rows], answer.origins[rows]))
            lines.append(f"| {' | '.join(cells)} |")
    everything = refused["none"]
    lines += ["", f"Of all pictures that are no radiographs of limbs {_share(everything.either, everything.origins)}"]
    lines[-1] += " are refused; kinds count by their number of pictures."
    return lines


def _gates(sets: Mapping[str, Pictures]) -> list[str]:
    """Say what each gate measures; sizes and colour are those of the stored pictures, 256 x 256 and grey in BTXRD."""
    lines = [
        "| gate | number | refused where | BTXRD train and val | BTXRD test refused | FracAtlas limbs |",
        "|---|---|---|---|---|---|",
    ]
    known = sets["btxrd"]
    for gate in GATES:
        values = np.array([getattr(look, gate.fact) for look in known.looks], np.float64)
        seen, test = values[known.kinds != "test"], known.kinds == "test"
        refused = np.array([gate.refuses(look) for look in known.looks])[test]
        limit = f"below {gate.lowest:g}" if math.isfinite(gate.lowest) else f"above {gate.highest:g}"
        elsewhere = sets[FOREIGN].looks if FOREIGN in sets else []
        foreign = [getattr(look, gate.fact) for look in elsewhere]
        cells = [gate.name, gate.fact.replace("_", " "), limit, _range(seen), f"{refused.sum()} of {test.sum()}"]
        lines.append(f"| {' | '.join([*cells, _range(foreign)])} |")
    return lines


def _range(values: Sequence[float] | NDArray[np.float64]) -> str:
    return f"{np.min(values):.3g} to {np.max(values):.3g}" if len(values) else "none"


def _gated(looks: Sequence[Look]) -> Bools:
    return np.array([any(gate.refuses(look) for gate in GATES) for look in looks])


def _limit(scores: NDArray[np.float64]) -> float:
    return float(np.sort(scores)[math.ceil((len(scores) + 1) * (1 - REFUSED) - 1e-9) - 1])


def _share(refused: Bools, origins: NDArray[np.str_]) -> str:
    """Return a share with its interval over resampled origins; none where all or no pictures are refused."""
    share = f"{100 * refused.mean():.1f} %"
    names, place = np.unique(origins, return_inverse=True)
    if len(names) < 5 or refused.all() or not refused.any():
        return share
    generator = named_generator(0, "novelty", "interval")
    drawn = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    hits, sizes = np.bincount(place, refused), np.bincount(place)
    low, high = np.quantile((drawn @ hits) / np.maximum(drawn @ sizes, 1), [0.025, 0.975])
    return f"{share} ({100 * low:.1f} to {100 * high:.1f})"
