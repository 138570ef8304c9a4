"""LabelMe files: shapes become lesions, lesions become masks.

BTXRD draws almost every lesion twice, as a box and as an outline, so the union of all shapes is the box and not the
lesion. Here a lesion is its outline; a box stands for a lesion only where no outline was drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from osteolens.data.rasterise import fill_polygon
from osteolens.errors import DataError
from osteolens.storage import read_json

FloatArray = NDArray[np.float64]
Box = tuple[float, float, float, float]
MaskConvention = Literal["outline", "all_shapes"]

_LARGEST_FILE = 128 * 2**20  # bytes; a full-size radiograph embedded as PNG takes about 30 million
_MOST_SHAPES = 1_000  # BTXRD has at most 19 in a file; every outline is compared with every box
_MOST_POINTS = 100_000  # in one shape
_BELONGS = 0.5  # least share of an outline's bounding box that lies in a box drawn for the same lesion


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """One lesion, in pixels of the picture that was annotated; (0, 0) is the outer corner of the first pixel.

    Attributes
    ----------
    subtype
        The annotator's label.
    outline
        Corner points [P, 2] as x, y with P >= 3, or None where only a box was drawn.
    box
        x0, y0, x1, y1 with x0 <= x1 and y0 <= y1, or None where only an outline was drawn.
    """

    subtype: str
    outline: FloatArray | None
    box: Box | None

    def __post_init__(self) -> None:
        if self.outline is None and self.box is None:
            raise DataError(f"the lesion {self.subtype!r} has neither an outline nor a box.")

    @property
    def polygon(self) -> FloatArray:
        """The outline, or the four corners of the box where there is none."""
        if self.outline is not None:
            return self.outline
        assert self.box is not None  # noqa: S101  checked when built
        return _corners(self.box)


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """All lesions of one picture.

    Attributes
    ----------
    width, height
        Size in pixels of the picture that was annotated.
    lesions
        In the order of the file: outlines first, then lesions that have only a box.
    spare_boxes
        Further boxes around a lesion that already has one; only the convention ``all_shapes`` uses them.
    notes
        One sentence per shape that could not be used.
    """

    width: int
    height: int
    lesions: tuple[Lesion, ...]
    spare_boxes: tuple[Box, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def outline_count(self) -> int:
        """Number of outlines drawn."""
        return sum(lesion.outline is not None for lesion in self.lesions)

    @property
    def box_count(self) -> int:
        """Number of boxes drawn."""
        return sum(lesion.box is not None for lesion in self.lesions) + len(self.spare_boxes)


def read_labelme(path: Path) -> Annotation:
    """Read one LabelMe file; embedded image data is ignored, points outside the picture are moved to its edge.

    A shape that repeats another (same label, kind and points) is ignored and noted.

    Raises
    ------
    DataError
        The file is missing, too large or not JSON, a key is missing, or a size or coordinate is not a finite number.
    """
    content = _content(path)
    width, height = (_size(content, key, path) for key in ("imageWidth", "imageHeight"))
    shapes = _member(content, "shapes", path)
    if not isinstance(shapes, list) or len(shapes) > _MOST_SHAPES:
        found = f"{len(shapes):,}" if isinstance(shapes, list) else f"a {type(shapes).__name__}"
        raise DataError(f"{path}: 'shapes' must be a list of at most {_MOST_SHAPES:,} shapes, not {found}.")
    first: dict[tuple[str, str, bytes], int] = {}
    outlines: list[tuple[str, FloatArray]] = []
    boxes: list[tuple[str, Box]] = []
    notes: list[str] = []
    for number, shape in enumerate(shapes, start=1):
        subtype, kind, points = _shape(shape, number, path)
        same = first.setdefault((subtype, kind, points.tobytes()), number)
        problem = _unusable(kind, points, width, height) or (f"the same as shape {same}" if same < number else "")
        points = points.clip(0, (width, height)) if not problem else points
        if problem:
            notes.append(f"shape {number} ({subtype}): {problem}, ignored.")
        elif kind == "polygon":
            outlines.append((subtype, points))
        else:
            boxes.append((subtype, _bounds(points)))
    lesions, spare = _pair(outlines, boxes)
    return Annotation(width, height, lesions, spare, tuple(notes))


def lesion_mask(
    annotation: Annotation,
    height: int,
    width: int,
    *,
    convention: MaskConvention = "outline",
    transform: FloatArray | None = None,
) -> NDArray[np.uint8]:
    """Rasterise the lesions straight onto a target grid: 1 where a pixel's centre lies in a lesion, else 0.

    Parameters
    ----------
    height, width
        Size of the target in pixels.
    convention
        ``outline``: outlines, and boxes only of lesions without an outline. ``all_shapes``: the union of everything
        drawn, which on BTXRD is the boxes; for comparison with work that used it.
    transform
        Affine map [2, 3] from x, y of the annotated picture to x, y of the target, both with (0, 0) at the outer
        corner of the first pixel. Default: the picture stretched to the target.

    Returns
    -------
    Mask [height, width] of 0 and 1. A lesion that covers no pixel's centre sets the pixel its middle falls in, so it
    is lost only when it lies outside the target.
    """
    if convention not in get_args(MaskConvention):
        raise DataError(f"the mask convention must be one of {get_args(MaskConvention)}, not {convention!r}.")
    if transform is None:
        transform = np.array([[width / annotation.width, 0.0, 0.0], [0.0, height / annotation.height, 0.0]])
    polygons = [lesion.polygon for lesion in annotation.lesions]
    if convention == "all_shapes":
        polygons += [_corners(lesion.box) for lesion in annotation.lesions if lesion.outline is not None and lesion.box]
        polygons += [_corners(box) for box in annotation.spare_boxes]
    mask = np.zeros((height, width), dtype=bool)
    for polygon in polygons:
        mask |= fill_polygon(polygon @ transform[:, :2].T + transform[:, 2], height, width)
    return mask.astype(np.uint8)


def _pair(
    outlines: list[tuple[str, FloatArray]], boxes: list[tuple[str, Box]]
) -> tuple[tuple[Lesion, ...], tuple[Box, ...]]:
    """Give each outline the box that fits it best; return the lesions and the boxes that are left over.

    A box that holds no outline is a lesion of its own. One that holds an outline which has a better box is spare.
    """
    fits = []
    for o, (_, outline) in enumerate(outlines):
        for b, (_, box) in enumerate(boxes):
            inside, overlap = _fit(_bounds(outline), box)
            if inside >= _BELONGS:
                fits.append((-overlap, o, b))
    box_of: dict[int, int] = {}
    for _, o, b in sorted(fits):
        if o not in box_of and b not in box_of.values():
            box_of[o] = b
    lesions = [
        Lesion(subtype, outline, boxes[box_of[o]][1] if o in box_of else None)
        for o, (subtype, outline) in enumerate(outlines)
    ]
    holding = {b for _, _, b in fits}
    lesions += [Lesion(subtype, None, box) for b, (subtype, box) in enumerate(boxes) if b not in holding]
    spare = tuple(box for b, (_, box) in enumerate(boxes) if b in holding and b not in box_of.values())
    return tuple(lesions), spare


def _fit(inner: Box, outer: Box) -> tuple[float, float]:
    """Return the share of `inner` that lies in `outer`, and their intersection over union; flat boxes count as thin."""
    thin = 1e-6
    width = min(inner[2], outer[2]) - max(inner[0], outer[0])
    height = min(inner[3], outer[3]) - max(inner[1], outer[1])
    if width < 0 or height < 0:
        return 0.0, 0.0
    common = max(width, thin) * max(height, thin)
    areas = [max(x1 - x0, thin) * max(y1 - y0, thin) for x0, y0, x1, y1 in (inner, outer)]
    return common / areas[0], common / (sum(areas) - common)


def _bounds(points: FloatArray) -> Box:
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _corners(box: Box) -> FloatArray:
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _unusable(kind: str, points: FloatArray, width: int, height: int) -> str:
    """Return why a shape cannot stand for a lesion, or an empty string."""
    needed: dict[str, Callable[[int], bool]] = {"polygon": lambda n: n >= 3, "rectangle": lambda n: n in {2, 4}}
    if kind not in needed:
        return f"a {kind} is neither a polygon nor a rectangle"
    if not needed[kind](len(points)):
        return f"a {kind} of {len(points)} point(s)"
    x0, y0, x1, y1 = _bounds(points)
    if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
        return "outside the picture"
    return ""


def _content(path: Path) -> Any:
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # reading it tells why
    if size > _LARGEST_FILE:
        limit = f"{_LARGEST_FILE // 2**20} MiB"
        raise DataError(f"{path} is larger than {limit}. Remove its imageData, which is not needed.")
    return read_json(path)


def _shape(shape: Any, number: int, path: Path) -> tuple[str, str, FloatArray]:
    where = f"{path}, shape {number}"
    subtype, points = _member(shape, "label", where), _member(shape, "points", where)
    try:
        if len(points) > _MOST_POINTS:
            raise DataError(f"{where}: {len(points):,} points; at most {_MOST_POINTS:,} are read.")
        array = np.asarray(points, dtype=np.float64).reshape(len(points), 2)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}: 'points' must be a list of x, y pairs.") from error
    if not np.isfinite(array).all():
        raise DataError(f"{where}: a coordinate is not a finite number.")
    return str(subtype).strip(), str(shape.get("shape_type", "polygon")), array


def _size(content: Any, key: str, path: Path) -> int:
    value = _member(content, key, path)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 10**6:
        raise DataError(f"{path}: {key!r} must be a whole number of pixels above 0, not {str(value)[:40]!r}.")
    return value


def _member(content: Any, key: str, where: Path | str) -> Any:
    if not isinstance(content, dict) or key not in content:
        raise DataError(f"{where}: the key {key!r} is missing; this is not a complete LabelMe file.")
    return content[key]
