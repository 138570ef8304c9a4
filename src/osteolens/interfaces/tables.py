"""Answers as text for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import osteolens

if TYPE_CHECKING:  # it brings torch, which a leakcheck does not need
    from osteolens.inference.explained import ExplainedBatch


def split_table(counts: dict[str, dict[str, int]]) -> str:
    """Return one line per part: all images, and those of each class."""
    classes = next(iter(counts.values()))
    width = max(8, *(len(name) + 2 for name in classes))
    lines = [f"{'part':6}{'images':>8}" + "".join(f"{name:>{width}}" for name in classes)]
    for part, row in counts.items():
        lines.append(f"{part:6}{sum(row.values()):>8}" + "".join(f"{n:>{width}}" for n in row.values()))
    return "\n".join(lines)


def leakage_table(result: dict[str, Any]) -> str:
    """Return one line per part and class: images, those with a sibling in train by kind, their shares."""
    entries = result["evaluation"].values()
    known = [key for key in ("duplicated", "near_duplicated") if any(key in entry["overall"] for entry in entries)]
    columns = [("images", "n"), ("shared", "shared"), ("share", "shared_fraction")]
    columns += [({"duplicated": "copies", "near_duplicated": "alike"}[key], key) for key in known]
    columns += [("any", "leaking"), ("share", "leaking_fraction")] if known else []
    lines = [f"{'part':6}{'class':14}" + "".join(f"{name:>9}" for name, _ in columns)]
    for part, entry in result["evaluation"].items():
        rows = {**entry["per_class"], **{name: entry[name] for name in ("tumours", "overall") if name in entry}}
        for name, share in rows.items():
            cells = (f"{share[key]:.1%}" if key.endswith("fraction") else str(share[key]) for _, key in columns)
            lines.append(f"{part:6}{name:14}" + "".join(f"{cell:>9}" for cell in cells))
    return "\n".join(lines)


def export_lines(made: dict[str, Any]) -> str:
    """Return what an export holds and by how much it differs from its checkpoint."""
    lines = [str(made["model"])]
    if not made["maps"]:
        lines.append("without maps: they are not exact in closed form for this network")
    if not made["calibrated"]:
        lines.append("without temperature, conformal sets and thresholds: no decisions of its run were found")
    for key, verified in (("model", made["verified"]), ("int8", made["int8_verified"])):
        if verified is not None:
            lines += [f"{made[key]} and its checkpoint, largest differences on {verified['pictures']} pictures:"]
            lines += [_difference_line(runtime, values) for runtime, values in verified["runtimes"].items()]
    lines.append(osteolens.NOT_FOR_CLINICAL_USE)
    return "\n".join(lines)


def _difference_line(runtime: str, values: dict[str, Any]) -> str:
    if values["reason"] is not None:
        return f"  {runtime:12} not compared: {values['reason']}"
    named = [
        (what, values[what]) for what in ("probabilities", "calibrated", "maps", "distance") if values[what] is not None
    ]
    told = ", ".join(f"{what} {value:.1e}" for what, value in named)
    return f"  {runtime:12} {told}; other answers: {values['other_answers']}"


def maps_table(result: ExplainedBatch, out: Path) -> str:
    """Return one line per map: answer, class of the map, probability, evidence, picture; then the refusals."""
    width = max([len(str(entry[key])) for entry in result.entries for key in ("answered", "class")] + [8])
    lines = [f"{'answer':{width}}  {'map of':{width}}  {'probability':>11}  {'evidence':8}  image"]
    for entry in result.entries:
        evidence = "none" if entry["zero_map"] else "found"
        words = f"{entry['answered']:{width}}  {entry['class']:{width}}  {entry['probability']:>11.3f}  {evidence:8}"
        lines.append(f"{words}  {entry['image']}")
    lines += [f"not explained: {failure.reason}" for failure in result.failures]
    pictures = len({entry["image"] for entry in result.entries})
    lines.append(f"{pictures} explained, {len(result.failures)} not; results in {out}")
    lines.append(osteolens.NOT_FOR_CLINICAL_USE)
    return "\n".join(lines)
