"""The record beside a manifest, ``<scheme>.json``: by it the manifest checks itself whenever it is used."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd

import osteolens
from osteolens.config import Config
from osteolens.config.changes import changes
from osteolens.data.manifest import COLUMNS, Manifest, read_manifest
from osteolens.data.radiographs import RadiographSet
from osteolens.domain import SCHEME_FAMILIES, SPLIT_NAMES, Column
from osteolens.errors import DataError
from osteolens.storage import fingerprint, read_json, sha256_file, write_json

logger = logging.getLogger("osteolens")

FEW_IMAGES = 10  # of a class in an evaluated part; a share of fewer moves by more than ten points with one image
_KEYS = ("manifest", "data_hash", "data_images", "options")
_CHECKED = {
    Column.LABEL: "another label",
    Column.CASE: "another case",
    Column.CENTER: "another center",
    Column.SOURCE: "another source",
}


def record_path(manifest_path: Path) -> Path:
    """Return where the record of a manifest is kept."""
    return manifest_path.with_suffix(".json")


def write_split(path: Path, manifest: Manifest, data: RadiographSet, config: Config) -> Path:
    """Write a manifest as CSV and its record beside it; return `path`."""
    manifest.write(path)
    record = {
        "scheme": _scheme(manifest),
        "manifest": _content(read_manifest(path)),
        "data_hash": data.data_hash(),
        "data_images": len(data.frame),
        "options": _options(manifest, config),
        "counts": class_counts(manifest),
        "osteolens": osteolens.__version__,
    }
    write_json(record_path(path), record)
    return path


def check_split(path: Path, manifest: Manifest, data: RadiographSet, config: Config) -> None:
    """Check a manifest that was read from `path` against its record, the options and the data set as it is now.

    A manifest without a record, made by hand or elsewhere, is used as long as its images, labels and seed fit; a note
    says that no more can be checked.

    Raises
    ------
    DataError
        The manifest was edited, was made with other options, or for another state of the data set; the message says
        what differs and what to do.
    """
    remedy = f"Make it again: osteolens split --split {path.stem}."
    if set(manifest.frame[Column.SEED]) != {str(config.split_seed)}:
        raise DataError(f"{path} was made with another seed than {config.split_seed}. {remedy}")
    if not record_path(path).is_file():
        _check_foreign(path, manifest, data, remedy)
        return
    record = read_json(record_path(path))
    if not isinstance(record, dict) or any(key not in record for key in _KEYS):
        raise DataError(f"{record_path(path)} is not the record of a manifest. {remedy}")
    if record["manifest"] != _content(manifest):
        raise DataError(
            f"{path} was edited since it was written{_moved(record.get('counts'), manifest)}. {remedy} "
            "To keep your own division, save it under another name and enter it in data.split_files."
        )
    if changed := changes(record["options"], _options(manifest, config)):
        raise DataError(f"{path} was made with other options: {changed}. {remedy}")
    differences = _differences(manifest, data, record["data_images"])
    if differences or record["data_hash"] != data.data_hash():
        told = "; ".join(differences) or "image files have another size"
        raise DataError(f"{path} was made for another state of the data set: {told}. {remedy}")


def class_counts(manifest: Manifest) -> dict[str, dict[str, int]]:
    """Return part → class → number of images, for every class in every part that is not empty."""
    classes = sorted(set(manifest.frame[Column.LABEL]))
    return {
        part: {label: int((manifest.part(part)[Column.LABEL] == label).sum()) for label in classes}
        for part in SPLIT_NAMES
        if manifest.has(part)
    }


def warnings_on(manifest: Manifest, data: RadiographSet) -> list[str]:
    """Return a sentence on each part that lacks a class or has few of it, and on images in no part."""
    sentences = []
    for part, counts in class_counts(manifest).items():
        lacking = [label for label, n in counts.items() if n == 0]
        few = [f"{n} {label}" for label, n in counts.items() if 0 < n < FEW_IMAGES]
        if lacking:
            sentences.append(f"the {part} part has no image of the class(es) {', '.join(lacking)}.")
        if few and part != "train":
            sentences.append(f"the {part} part has only {', '.join(few)}, so figures of that class say little.")
    if left_out := len(data.frame) - len(manifest.frame):
        sentences.append(f"{left_out} of {len(data.frame)} images are in no part.")
    return sentences


def _check_foreign(path: Path, manifest: Manifest, data: RadiographSet, remedy: str) -> None:
    labels = data.frame.set_index(Column.IMAGE_ID)[Column.LABEL]
    if not (manifest.frame[Column.IMAGE_ID].map(labels) == manifest.frame[Column.LABEL]).all():
        told = "; ".join(_differences(manifest, data, None))
        raise DataError(f"{path} names images or labels that the data set does not have: {told}. {remedy}")
    logger.info("%s has no record beside it: its images and labels fit, more cannot be checked.", path)


def _scheme(manifest: Manifest) -> str:
    return str(manifest.frame[Column.SCHEME].iloc[0])


def _content(manifest: Manifest) -> str:
    """A hash of the cells, not of the bytes, so that other line ends are no edit."""
    return fingerprint(manifest.frame[list(COLUMNS)].to_numpy().tolist())


def _options(manifest: Manifest, config: Config) -> dict[str, Any]:
    """Return the options that decide over this scheme, by their dotted names."""
    scheme, options = _scheme(manifest), config.data
    if scheme in options.split_files:
        file = options.split_files[scheme]
        return {f"data.split_files.{scheme}": file, "its SHA-256": sha256_file(options.root / file)}
    chosen: dict[str, Any] = {"seed": config.split_seed}
    if scheme in {"stratified", "case"}:
        chosen["data.split_fractions"] = list(options.split_fractions)
    if scheme.startswith(SCHEME_FAMILIES["case-kfold"]):
        chosen["data.folds"] = options.folds
    return chosen


def _moved(before: Any, manifest: Manifest) -> str:
    """Tell how the sizes of the parts differ from those of the record, or nothing where they do not."""
    if not isinstance(before, dict):
        return ""
    now = class_counts(manifest)
    sizes = {part: (sum(before.get(part, {}).values()), sum(now.get(part, {}).values())) for part in SPLIT_NAMES}
    told = [f"{part} {was} → {is_now} images" for part, (was, is_now) in sizes.items() if was != is_now]
    return f" ({', '.join(told)})" if told else ""


def _differences(manifest: Manifest, data: RadiographSet, recorded_images: int | None) -> list[str]:
    """Tell row by row how the data set differs from what the manifest says of it."""
    told = []
    if recorded_images is not None and recorded_images != len(data.frame):
        told.append(f"it had {recorded_images} images and has {len(data.frame)}")
    ours, theirs = manifest.frame.set_index(Column.IMAGE_ID), data.frame.set_index(Column.IMAGE_ID)
    told += _count(ours.index.difference(theirs.index), "are gone")
    common = ours.index.intersection(theirs.index)
    for column, words in _CHECKED.items():
        if column in theirs:
            other = ours.loc[common, column].astype(str) != theirs.loc[common, column].fillna("").astype(str)
            told += _count(common[other.to_numpy()], f"have {words}")
    return told


def _count(names: pd.Index[str], words: str) -> list[str]:
    return [f"{len(names)} image(s) {words}, for example {names[0]}"] if len(names) else []
