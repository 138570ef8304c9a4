"""Image files of one's own data: found in sub-folders too, named by their path, or sorted into a folder per class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import pandas as pd

from osteolens.data import violations
from osteolens.data.schema import ImageFiles, Metadata
from osteolens.domain import IMAGE_SUFFIXES, Column, image_stem
from osteolens.errors import DataError


def flat_id(path: str) -> str:
    """Return a file's path below its folder as one name: ``patient 1/study 2/a.png`` is ``patient 1_study 2_a.png``."""
    return "_".join(part for part in PurePosixPath(path.replace("\\", "/")).parts if part != ".")


def find_own_images(images_dir: Path, image_ids: Iterable[str]) -> ImageFiles:
    """Match files to flat ids: by their path below the folder, else by their name wherever they lie.

    Raises
    ------
    DataError
        Two files could be meant by one id.
    """
    by_path: dict[str, list[Path]] = {}
    by_name: dict[str, list[Path]] = {}
    files = picture_files(images_dir)
    for path in files:
        by_path.setdefault(image_stem(_id_of(path, images_dir)), []).append(path)
        by_name.setdefault(image_stem(path.name), []).append(path)
    paths: dict[str, Path] = {}
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
            paths[stem] = chosen[0]
        else:
            missing.append(image_id)
    used = set(paths.values())
    return ImageFiles(paths, tuple(missing), tuple(path for path in files if path not in used))


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


def _id_of(path: Path, folder: Path) -> str:
    return flat_id(path.relative_to(folder).as_posix())
