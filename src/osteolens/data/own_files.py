"""Image files of one's own data: found in sub-folders too, named by their path, or sorted into a folder per class."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import Path, PurePosixPath

import pandas as pd

from osteolens.data import violations
from osteolens.data.schema import ImageFiles, Metadata
from osteolens.domain import IMAGE_SUFFIXES, Column, image_stem
from osteolens.errors import DataError


def flat_id(path: str) -> str:
    """Return a file's path below its folder as one name: ``patient 1/study 2/a.png`` is ``patient 1_study 2_a.png``."""
    return "_".join(_parts(path))


def own_id(cell: str, images: str) -> str:
    """Return the flat id of a cell in one's own table; its path may begin with the name of the image folder."""
    parts = _parts(cell)
    return "_".join(parts[1:] if len(parts) > 1 and parts[0] == images else parts)


def known_stem(image_id: str, known: Container[str]) -> str:
    """Return the stem under which a data set knows an image that another table names.

    Of the ends of the path, the longest that is an image counts: ``images/p1/a.png`` may be ``p1_a`` or ``a``. Where
    none is one, the whole path is returned as one name.
    """
    parts = _parts(image_id)
    ends = (image_stem("_".join(parts[start:])) for start in range(len(parts)))
    return next((stem for stem in ends if stem in known), image_stem("_".join(parts)))


def find_own_images(images_dir: Path, image_ids: Iterable[str]) -> ImageFiles:
    """Match files to flat ids: by their path below the folder, else by their name wherever they lie.

    Raises
    ------
    DataError
        Two files could be meant by one id, or two ids mean one file.
    """
    by_path: dict[str, list[Path]] = {}
    by_name: dict[str, list[Path]] = {}
    files = picture_files(images_dir)
    for path in files:
        by_path.setdefault(image_stem(_id_of(path, images_dir)), []).append(path)
        by_name.setdefault(image_stem(path.name), []).append(path)
    paths: dict[str, Path] = {}
    listed: dict[Path, str] = {}
    missing: list[str] = []
    for image_id in image_ids:
        stem = image_stem(image_id)
        candidates = by_path.get(stem) or by_name.get(stem, [])
        exact = [path for path in candidates if image_id in {path.name, _id_of(path, images_dir)}]
        chosen = exact if len(candidates) > 1 else candidates
        if len(candidates) > 1 and len(chosen) != 1:
            names = " and ".join(str(path.relative_to(images_dir)) for path in candidates)
            raise DataError(f"{images_dir}: {image_id} could be {names}. Write the path below {images_dir.name}/.")
        if chosen:
            if chosen[0] in listed:
                raise DataError(f"{images_dir}: {listed[chosen[0]]} and {image_id} are one file, {chosen[0].name}.")
            paths[stem], listed[chosen[0]] = chosen[0], image_id
        else:
            missing.append(image_id)
    return ImageFiles(paths, tuple(missing), tuple(path for path in files if path not in listed))


def read_class_folders(images_dir: Path, label_values: Mapping[str, str]) -> tuple[Metadata, ImageFiles]:
    """Read a folder per class; the name of the folder is the label, or what `label_values` gives for it.

    Pictures that lie in no class folder are left out and returned as unlisted.

    Raises
    ------
    DataError
        There is no picture in any class folder, a folder has no class in `label_values`, or two files get one id.
    """
    files = picture_files(images_dir)
    sorted_in = [path for path in files if path.parent != images_dir]
    if not sorted_in:
        raise DataError(f"{images_dir} has no folders with pictures. Make one per class, or set data.metadata.")
    folders = [path.relative_to(images_dir).parts[0] for path in sorted_in]
    if label_values and (unknown := sorted(set(folders) - set(label_values))):
        raise DataError(f"data.label_values has no class for the folder(s) {', '.join(unknown)} of {images_dir}.")
    ids = [_id_of(path, images_dir) for path in sorted_in]
    paths: dict[str, Path] = {}
    for image_id, path in zip(ids, sorted_in, strict=True):
        other = paths.setdefault(image_stem(image_id), path)
        if other != path:
            raise DataError(f"{other} and {path} would both be called {image_stem(image_id)}. Rename one of them.")
    labels = [label_values.get(folder, folder) for folder in folders]
    frame = pd.DataFrame({Column.IMAGE_ID: ids, Column.LABEL: labels})
    unlisted = tuple(path for path in files if path.parent == images_dir)
    return Metadata(frame, violations.as_table([])), ImageFiles(paths, (), unlisted)


def picture_files(folder: Path) -> list[Path]:
    """Return the pictures of a folder and its sub-folders, sorted, without hidden ones."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(path.strip().replace("\\", "/")).parts


def _id_of(path: Path, folder: Path) -> str:
    return flat_id(path.relative_to(folder).as_posix())
