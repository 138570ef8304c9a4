"""What the pages read of the records on maps; see :mod:`osteolens.reporting.record_shapes`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo, with_config
from typing_extensions import TypedDict

from osteolens.reporting.record_shapes import ByClass, Figure, Number

_FIGURE = TypeAdapter(Figure)


def _fault(found: dict[str, Any], info: ValidationInfo) -> str:
    """Return what is wrong with the scores beside those of all maps, with which they share a table."""
    for name in info.data.get("overall", ()):
        if name not in found:
            return f"lacks {name}"
        if not _is_figure(found[name]):
            return f"holds {name}, which is not a figure"
    return ""


def _is_figure(found: Any) -> bool:
    try:
        _FIGURE.validate_python(found, strict=True)
    except ValidationError:
        return False
    return True


def _as_overall(found: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    if fault := _fault(found, info):
        raise ValueError(fault)
    return found


def _each_as_overall(found: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    for name, group in found.items():
        if fault := _fault(group, info):
            raise ValueError(f"{name} {fault}")
    return found


def _with_pointing_game(found: dict[str, Any]) -> dict[str, Any]:
    if "pointing_game" not in found:
        raise ValueError("lacks pointing_game")
    return found


def _measured(found: MapImage) -> MapImage:
    if found["annotated"] and found["area_share"] is None:
        raise ValueError("is annotated, but area_share is not there")
    return found


class PointingGame(TypedDict):
    """Of the scores of a baseline in a group, the one that is shown."""

    pointing_game: Figure


class GroupBaselines(TypedDict):
    """Baselines in a group."""

    centre_prior: PointingGame
    edge_density: PointingGame
    random_weights: PointingGame


@with_config(ConfigDict(extra="allow"))
class MapGroup(TypedDict):
    """The maps of a class, a band of sizes, a source or a subtype; beside this it holds its scores."""

    n: int
    cases: int
    baselines: GroupBaselines


class MapDifferences(TypedDict):
    """Map less baseline, by score; not every score has one."""

    centre_prior: dict[str, Figure]
    edge_density: dict[str, Figure]
    random_weights: dict[str, Figure]


Column = Annotated[dict[str, Any], AfterValidator(_as_overall)]  # scores, and how a baseline was made
MapGroups = Annotated[dict[str, MapGroup], AfterValidator(_each_as_overall)]


class MapsMade(TypedDict):
    """What ``annotation_report.json`` is of."""

    predictions_sha256: str
    n: int
    cases: int


class Maps(MapsMade):
    """``annotation_report.json``."""

    warnings: list[str]
    overall: Annotated[dict[str, Figure], AfterValidator(_with_pointing_game)]
    centre_prior: Column
    edge_density: Column
    random_weights: Column
    all_shapes: Column
    differences: MapDifferences
    per_class: MapGroups
    per_size_band: MapGroups
    per_source: MapGroups
    per_subtype: MapGroups


class GalleryGroup(TypedDict):
    """Answers of one kind."""

    total: int
    cases: int
    shown: list[Any]


class Gallery(TypedDict):
    """The gallery of one class."""

    file: str
    groups: dict[str, GalleryGroup]


class Galleries(TypedDict):
    """``gallery_index.json``."""

    choice: str
    galleries: dict[str, Gallery]


# One picture of an image. `zero` is None for the radiograph; class and probability are so for maps of no class too.
Panel = TypedDict("Panel", {"file": str, "shows": str, "class": str | None, "probability": Number, "zero": bool | None})


class MapImage(TypedDict):
    """One image, its pictures and what is known of it."""

    image_id: str
    truth: str
    answer: str
    probability: float
    truth_probability: float
    case_id: str
    source: str
    center: str
    subtype: str
    annotated: bool
    area_share: Number
    galleries: list[Annotated[list[str], Field(min_length=2, max_length=2)]]
    width: int
    height: int
    outline: str
    panels: list[Panel]


class MapPictures(TypedDict):
    """``map_pictures.json``."""

    predictions_sha256: str
    classes: list[str]
    images: list[Annotated[MapImage, AfterValidator(_measured)]]


class Likeness(TypedDict):
    """How like two maps are."""

    spearman: Figure
    overlap: Figure
    same_maximum: Figure


class OfDraws(TypedDict):
    """Means of the single draws of weights."""

    spearman: Annotated[list[Number], Field(min_length=1)]


class Step(Likeness):
    """The maps after one more stage was made random."""

    stage: str
    of_draws: OfDraws


class Randomisation(TypedDict):
    """The cascade from the head to the input, and maps of different images."""

    draws: int
    steps: Annotated[list[Step], Field(min_length=1)]
    unrelated: Likeness


class Areas(TypedDict):
    """Areas under the curves by order."""

    map: Figure
    random: Figure
    body: Figure
    centre: Figure


class AreaDifferences(TypedDict):
    """The map's area less that of another order."""

    random: Figure
    body: Figure
    centre: Figure


class Curves(TypedDict):
    """Deletion or insertion."""

    auc: Areas
    differences: AreaDifferences


class BothKinds(TypedDict):
    """Deletion and insertion with one fill."""

    deletion: Curves
    insertion: Curves


class FillCurves(BothKinds):
    """The same over all images and by answered class, what the fill is, and how it is answered."""

    fill: str
    answer: ByClass[float]
    confident_of: str | None
    per_answered_class: ByClass[BothKinds]


class DeletionInsertion(TypedDict):
    """Deletion and insertion with every fill."""

    confident_from: float
    fills: Annotated[dict[str, FillCurves], Field(min_length=1)]


class Drawn(TypedDict):
    """How many images of an answered class were tried."""

    n: int
    cases: int


class Proof(MapsMade):
    """``sanity.json``."""

    drawn: ByClass[Drawn]
    randomisation: Randomisation
    deletion_insertion: DeletionInsertion
