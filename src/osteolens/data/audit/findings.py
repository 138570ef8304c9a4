"""The findings of an audit in sentences, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from osteolens.domain import NONE_GIVEN, NORMAL
from osteolens.wording import counted

Severity = Literal["problem", "caution", "note"]
_Check = tuple[str, Severity, str, str]  # key of a list in the summary, severity, noun, text
_ORDER: tuple[Severity, ...] = ("problem", "caution", "note")

_SMALLEST_GROUP = 30  # images, below which the share of a class is mostly chance
_NOTABLE_RATIO = 2.0
_NOTABLE_AUC = 0.70  # or as far below 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence; a ``problem`` should be put right, a ``caution`` be borne in mind, a ``note`` be known."""

    severity: Severity
    text: str


def findings(summary: dict[str, Any]) -> list[dict[str, str]]:
    """Return severity and text of every finding for the summary of an audit."""
    checks = (_files, _annotations, _duplicates, _shares, _statistics, _sites, _cases, _leakage, _metadata)
    found = [finding for check in checks for finding in check(summary)]
    return [asdict(finding) for finding in sorted(found, key=lambda finding: _ORDER.index(finding.severity))]


def _files(summary: dict[str, Any]) -> Iterator[Finding]:
    files = summary["files"]
    checks: tuple[_Check, ...] = (
        ("missing", "problem", "image", "of the table without a file"),
        ("unreadable", "problem", "image file", "that cannot be decoded"),
        ("blank", "problem", "picture", "of a single grey level"),
        ("unlisted", "caution", "image file", "that the table does not name"),
        ("coloured", "caution", "image", "with colour: an overlay, a screenshot or a photograph"),
        ("framed", "caution", "picture", "with a black or white border on all four sides"),
    )
    for key, severity, noun, text in checks:
        if files[key]:
            yield Finding(severity, f"{counted(len(files[key]), noun)} {text}.")


def _annotations(summary: dict[str, Any]) -> Iterator[Finding]:
    annotations = summary["annotations"]
    checks: tuple[_Check, ...] = (
        ("unreadable", "problem", "annotation file", "that cannot be read"),
        ("turned", "problem", "annotation", "whose height and width are exchanged: drawn on a turned copy"),
        ("normals_with_annotation", "problem", "normal image", "with an annotated lesion"),
        ("tumours_without_annotation", "caution", "tumour image", "without an annotated lesion"),
        ("without_image", "caution", "annotation file", "without an image in the table"),
        ("ignored_shapes", "caution", "annotated shape", "that is no usable polygon or rectangle, ignored"),
        ("other_size", "note", "annotation", "made at another picture size; the outlines are scaled to the picture"),
        ("outline_and_box_counts_differ", "note", "annotation", "whose numbers of outlines and boxes differ"),
    )
    for key, severity, noun, text in checks:
        if annotations[key] and summary["annotated"]:
            yield Finding(severity, f"{counted(len(annotations[key]), noun)} {text}.")


def _duplicates(summary: dict[str, Any]) -> Iterator[Finding]:
    duplicates = summary["duplicates"]
    groups, conflicts, near = (duplicates[key] for key in ("exact_groups", "label_conflicts", "near_pairs"))
    if conflicts:
        number = counted(len(conflicts), "group")
        yield Finding("problem", f"{number} of identical files with different labels: at least one label is wrong.")
    if groups:
        images = sum(len(group) for group in groups)
        number = counted(len(groups), "group")
        yield Finding("caution", f"{number} of identical files ({images} images). A split must keep each together.")
    if near:
        number = counted(len(near), "pair")
        yield Finding("caution", f"{number} of near-identical pictures, to be looked at: same patient, or look-alike.")
    if differing := sum(len(set(pair["labels"])) > 1 for pair in near):
        yield Finding("caution", f"{counted(differing, 'near-identical pair')} with different labels.")


def _shares(summary: dict[str, Any]) -> Iterator[Finding]:
    """Compare the share of the rarest class between the places images came from and the kinds of their files."""
    rarest = min(summary["classes"], key=lambda name: summary["classes"][name])
    for grouping, table in (*summary["tables"].items(), ("file kind", summary["files"]["kinds"])):
        if grouping not in {"center", "source", "file kind"}:
            continue
        totals = {name: sum(counts.values()) for name, counts in table.items() if name != NONE_GIVEN}
        shares = {name: table[name][rarest] / n for name, n in totals.items() if n >= _SMALLEST_GROUP}
        if len(shares) < 2:
            continue
        low, high = min(shares, key=lambda name: shares[name]), max(shares, key=lambda name: shares[name])
        if shares[high] > 0 and shares[high] >= _NOTABLE_RATIO * shares[low]:
            text = f"from {shares[low]:.1%} ({low}) to {shares[high]:.1%} ({high})"
            yield Finding(
                "caution", f"The share of {rarest} depends on the {grouping}: {text}. A network can learn that."
            )


def _statistics(summary: dict[str, Any]) -> Iterator[Finding]:
    """Name the number of a file or picture that tells each class best, where it tells much."""
    best: dict[str, tuple[float, str, int]] = {}
    for statistic, entries in summary["class_from_statistics"].items():
        for label, entry in entries.items():
            strength = max(entry["auc"], 1 - entry["auc"])
            best[label] = max(best.get(label, (0.0, "", 0)), (strength, statistic, entry["n"]))
    for label, (strength, statistic, number) in best.items():
        if strength >= _NOTABLE_AUC:
            words = f"the {statistic.replace('_', ' ')} alone tells {label} from the others with an AUC of"
            yield Finding("caution", f"Among {number:,} images {words} {strength:.2f}. A network can learn that.")


def _sites(summary: dict[str, Any]) -> Iterator[Finding]:
    table = summary["tables"].get("site")
    if not table or NORMAL not in summary["classes"] or NONE_GIVEN not in table:
        return
    ungiven, classes = table[NONE_GIVEN], summary["classes"]
    tumours_all_given = all(ungiven[name] == 0 for name in classes if name != NORMAL)
    if ungiven[NORMAL] == classes[NORMAL] and tumours_all_given:
        text = "The site is given for every tumour and for no normal image, so a model that is told the site needs no"
        yield Finding("caution", f"{text} pixels to tell them apart.")


def _cases(summary: dict[str, Any]) -> Iterator[Finding]:
    if summary["cases"] is None:
        text = "It is not known which images are of one case, so a split may leak without a sign."
        yield Finding("caution", f"{text} Name the cases in cases.csv or data.case_table.")


def _leakage(summary: dict[str, Any]) -> Iterator[Finding]:
    for scheme, result in (summary["leakage"] or {}).items():
        for part, entry in result.get("evaluation", {}).items():
            share = entry.get("tumours", entry["overall"])
            if share["shared"]:
                what = "tumour images" if "tumours" in entry else "images"
                text = f"{share['shared_fraction']:.1%} of the {part} {what} have another image of their case in train"
                yield Finding("problem", f"Split {scheme}: {text}.")


def _metadata(summary: dict[str, Any]) -> Iterator[Finding]:
    if number := summary["metadata"]["warnings"]:
        yield Finding("note", f"{counted(number, 'departure')} of the metadata from the schema.")
