"""A data set on disk as one checked table: image, label, case, center, source and the columns of its subgroups."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from osteolens.config import DataOptions
from osteolens.data.annotation_files import annotation_files, read_annotation
from osteolens.data.annotations import Annotation
from osteolens.data.cases import CASE_TABLE_NAME, is_btxrd, load_cases
from osteolens.data.file_hashes import content_hashes
from osteolens.data.schema import Metadata
from osteolens.data.sources import read_source
from osteolens.domain import Column, image_stem
from osteolens.errors import DataError
from osteolens.storage import fingerprint, sha256_file


@dataclass(frozen=True)
class RadiographSet:
    """The images of a data root that have both a file and a row of metadata.

    Attributes
    ----------
    frame
        One row per image: the canonical metadata columns plus label, case_id and source.
    paths
        Image stem to file.
    annotations_dir
        Folder of the LabelMe files or masks; need not exist.
    annotation_paths
        Image stem to the file in which its lesions are drawn.
    metadata
        The whole table with its violations.
    missing
        Image ids of the table that have no file.
    """

    frame: pd.DataFrame
    paths: dict[str, Path]
    annotations_dir: Path
    annotation_paths: dict[str, Path]
    metadata: Metadata
    missing: tuple[str, ...]

    def path(self, image_id: str) -> Path:
        """Return the file of an image, whatever suffix the id bears."""
        try:
            return self.paths[image_stem(image_id)]
        except KeyError as error:
            raise DataError(f"{image_id} is not in this data set. Was the manifest made for another one?") from error

    def annotation(self, image_id: str) -> Annotation | None:
        """Return the annotation of an image, or None where it has none."""
        path = self.annotation_paths.get(image_stem(image_id))
        return None if path is None else read_annotation(path)

    def content_hashes(self) -> pd.Series[str]:
        """Return the SHA-256 of every image file, in the order of the frame; the files are read once per object."""
        return self._content_hashes

    @functools.cached_property
    def _content_hashes(self) -> pd.Series[str]:
        paths = [self.path(name) for name in self.frame[Column.IMAGE_ID]]
        return pd.Series(content_hashes(paths), index=self.frame.index)

    def data_hash(self) -> str:
        """Return a short hash of ids, labels, cases and file sizes, whatever the order of the rows."""
        rows = self.frame.sort_values(Column.IMAGE_ID)
        columns = rows[[Column.IMAGE_ID, Column.LABEL, Column.CASE]].to_numpy().tolist()
        sizes = [self.path(name).stat().st_size for name in rows[Column.IMAGE_ID]]
        return fingerprint([columns, sizes])

    def metadata_hash(self) -> str:
        """Return a short hash of the whole frame, the names of all image files and of what is missing."""
        return fingerprint([self.frame.astype(str).to_numpy().tolist(), sorted(self.paths), list(self.missing)])

    def annotations_hash(self) -> str:
        """Return a short hash of the content of every annotation file."""
        return fingerprint({stem: sha256_file(path) for stem, path in sorted(self.annotation_paths.items())})


def load_radiographs(options: DataOptions) -> RadiographSet:
    """Read metadata, find the files, join cases and sources.

    Raises
    ------
    DataError
        The data root, its images folder or its metadata is missing or unusable.
    """
    source = read_source(options)
    whole = source.metadata.frame
    frame = whole[whole[Column.IMAGE_ID].map(image_stem).isin(set(source.files.paths))].reset_index(drop=True)
    annotations_dir = options.root / options.annotations_dir
    return RadiographSet(
        frame=_with_cases(frame, options),
        paths=source.files.paths,
        annotations_dir=annotations_dir,
        annotation_paths=annotation_files(annotations_dir),
        metadata=source.metadata,
        missing=source.files.missing,
    )


def _with_cases(frame: pd.DataFrame, options: DataOptions) -> pd.DataFrame:
    """Join case and source; a column of the metadata gives way only to a table that was asked for by name."""
    cases = _cases(frame, options)
    for name in (Column.CASE, Column.SOURCE):
        if name in frame and options.case_table is None:
            cases[name] = frame[name].where(frame[name] != "", cases[name])
    return frame.assign(**{name: cases[name] for name in (Column.CASE, Column.SOURCE)})


def _cases(frame: pd.DataFrame, options: DataOptions) -> pd.DataFrame:
    """The data set's own case table, or the built-in one where the images are BTXRD's; else each image is a case."""
    ids = frame[Column.IMAGE_ID]
    has_table = options.case_table is not None or (options.root / CASE_TABLE_NAME).is_file()
    if has_table or is_btxrd(dict(zip(ids, frame[Column.LABEL], strict=True))):
        return load_cases(ids, options.root, options.case_table)
    return pd.DataFrame({Column.CASE: ids.map(image_stem), Column.SOURCE: ""}, index=frame.index)
