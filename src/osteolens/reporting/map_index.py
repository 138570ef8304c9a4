"""A page on all maps of a run: every annotated image and those of the galleries, to filter, sort and enlarge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from osteolens.domain import AREA_BANDS, NORMAL, Column
from osteolens.explain.captions import INPUT_AREA, NO_LESION, answer_line, map_caption, origin_line
from osteolens.explain.drawing import SCALE
from osteolens.explain.outline import OUTLINE_NOTE
from osteolens.explain.overlay import colour_ramp
from osteolens.reporting.chapters import Link
from osteolens.reporting.html import EmbeddedFigure, fixed, percent, png_bytes, render
from osteolens.reporting.map_files import MapFiles, read_map_files
from osteolens.storage import RunFolder, write_text

INDEX = "index.html"
SEVERAL = "|"  # between the values that one image has for one filter
NOT_KNOWN = "not known"
SORTINGS = {
    "place 1": "Image, as in the table",
    "probability -1": "Probability of the answer, highest first",
    "probability 1": "Probability of the answer, lowest first",
    "area 1": "Lesion size, smallest first",
    "area -1": "Lesion size, largest first",
    "ratio -1": "Energy ratio, highest first",
    "ratio 1": "Energy ratio, lowest first",
}
_READING = f"""Each image is shown as the radiograph and, beside it, the same under the evidence for the class that was
answered. Where that is wrong, a third picture shows the evidence for the true class. The probability below a map is
that of its own class: a map of a most unlikely class is as bright as any other.

{SCALE}

The thin light blue line is the outline that a person drew; {OUTLINE_NOTE}. It can be
hidden.

Scores are those of the map of the true class. Energy is the share of the map inside the outline; its ratio to the
lesion's share of {INPUT_AREA}, is 1 for a map without any preference.

A map shows what raised the score of a class, not why. One on a marker, a border or a cast is a warning; one on the
lesion is no proof."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A question that every image answers: its values in the order in which they are offered."""

    key: str
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of an image; `file` lies relative to the page."""

    file: str
    caption: str
    alt: str


@dataclass(frozen=True, slots=True)
class Card:
    """One image.

    Attributes
    ----------
    sentences
        What is known of it.
    outline
        Data of an SVG path in pixels of the pictures; may be empty.
    values
        Filter key to the image's values, joined by :data:`SEVERAL`; with the numbers by which it is sorted, empty
        where they are not known.
    """

    image_id: str
    right: bool
    sentences: tuple[str, ...]
    pictures: tuple[Picture, ...]
    width: int
    height: int
    outline: str
    values: dict[str, str]


def write_map_index(run: RunFolder) -> None:
    """Write ``gradcam/index.html`` of a run; the pictures it shows lie beside it and are no part of the page.

    Raises
    ------
    DataError
        The maps were not made, or their files are damaged or of different answers.
    """
    files = read_map_files(run.explanation)
    cards = tuple(_card(image, files.scores.get(image[Column.IMAGE_ID])) for image in files.pictures["images"])
    page = render(
        "map_index.html.j2",
        experiment=run.root.parent.name,
        split=run.root.name,
        lead=_lead(files),
        how_to_read=[*_READING.split("\n\n"), *[NO_LESION] * (NORMAL in files.pictures["classes"])],
        key=EmbeddedFigure(png_bytes(colour_ramp(12, 256)), "", "Colours from none over purple and orange to yellow."),
        filters=tuple(_filters(cards, files.pictures["classes"])),
        sortings=SORTINGS,
        cards=cards,
        links=tuple(_links(run, files)),
        choice=files.index["choice"],
    )
    write_text(run.explanation / INDEX, page)


def _lead(files: MapFiles) -> str:
    others = len(files.pictures["images"]) - files.report["n"]
    return (
        f"All {files.report['n']} annotated images that the run was tested on ({files.report['cases']} cases) and "
        f"{others} others that the galleries show."
    )


def _card(image: dict[str, Any], scores: dict[str, str] | None) -> Card:
    right = image["truth"] == image["answer"]
    maps = [panel for panel in image["panels"] if panel["zero"] is not None]
    zero = any(panel["zero"] for panel in maps)
    kinds = [f"TP {image['truth']}"] if right else [f"FP {image['answer']}", f"FN {image['truth']}"]
    galleries = [f"{name}, {kind}" for name, kind in image["galleries"]]
    values = {
        "truth": image["truth"],
        "verdict": "right" if right else "wrong",
        "kind": SEVERAL.join(kinds),
        "source": image[Column.SOURCE] or NOT_KNOWN,
        "center": image[Column.CENTER] or NOT_KNOWN,
        "subtype": SEVERAL.join(filter(None, image["subtype"].split("+"))) or NOT_KNOWN,
        "band": NOT_KNOWN if scores is None else scores["size_band"],
        "zero": "a map is 0 everywhere" if zero else "every map shows some",
        "gallery": "in a gallery" if galleries else "in none",
        "probability": f"{image['probability']:.6f}",
        "area": "" if image["area_share"] is None else f"{image['area_share']:.8f}",
        "ratio": (scores or {}).get("energy_ratio", ""),
    }
    case = f"Case {image[Column.CASE]}: " if image[Column.CASE] else ""
    gallery = f"Shown in the gallery of {'; '.join(galleries)}." if galleries else ""
    told = (f"{answer_line(image)}.", f"{case}{origin_line(image)}.", _score_sentence(scores), gallery)
    return Card(
        image_id=image[Column.IMAGE_ID],
        right=right,
        sentences=tuple(sentence for sentence in told if sentence),
        pictures=tuple(_picture(image, panel) for panel in image["panels"]),
        width=image["width"],
        height=image["height"],
        outline=image["outline"],
        values=values,
    )


def _picture(image: dict[str, Any], panel: dict[str, Any]) -> Picture:
    caption = map_caption(panel["shows"], panel["class"], panel["probability"], zero=bool(panel["zero"]))
    outlined = ", lesion outlined" if image["outline"] else ""
    return Picture(panel["file"], caption, f"{caption}, {image[Column.IMAGE_ID]}{outlined}")


def _score_sentence(scores: dict[str, str] | None) -> str:
    if scores is None:
        return ""
    ious = {name.removeprefix("iou_"): float(cell) for name, cell in scores.items() if name.startswith("iou_")}
    at = ", ".join(f"{fixed(value, 2)} at {threshold}" for threshold, value in ious.items())
    told = f"IoU {at} of the maximum (ceiling {fixed(float(scores['ceiling']), 2)})."
    if "energy" not in scores:
        return f"No evidence for the true class: its map is 0 everywhere. {told}"
    ratio = fixed(float(scores["energy_ratio"]), 1)
    return (
        f"Energy in the lesion {percent(float(scores['energy']))}, {ratio} times its share of the input; pointing game "
        f"{fixed(float(scores['pointing_game']), 2)}. {told}"
    )


def _filters(cards: tuple[Card, ...], classes: list[str]) -> Iterator[Filter]:
    """Yield the filters that tell images apart."""
    orders = {
        "truth": ("True class", classes),
        "verdict": ("Answer", ["right", "wrong"]),
        "kind": ("Kind", [f"{kind} {name}" for name in classes for kind in ("TP", "FP", "FN")]),
        "source": ("Source", []),
        "center": ("Center", []),
        "subtype": ("Subtype", []),
        "band": ("Lesion's share of the input", list(AREA_BANDS)),
        "zero": ("Evidence", []),
        "gallery": ("Gallery", []),
    }
    for key, (label, order) in orders.items():
        found = {value for card in cards for value in card.values[key].split(SEVERAL)}
        last = found & {NOT_KNOWN}
        values = [value for value in order if value in found] or sorted(found - last)
        if len(found) > 1:
            yield Filter(key, label, (*values, *sorted(last)))


def _links(run: RunFolder, files: MapFiles) -> Iterator[Link]:
    for name, gallery in files.index["galleries"].items():
        yield Link(f"Gallery of {name}", gallery["file"])
    if files.report["n"]:
        yield Link("Radiograph, annotation, map and overlay of a few images", "annotation_comparison.png")
    if run.report.is_file():
        yield Link("Report of the run, with the scores of all maps", f"../{run.report.name}")
