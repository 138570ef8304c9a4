"""Where labels and files come from: the BTXRD layout, a table of one's own, or a folder per class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from osteolens.config import DataOptions
from osteolens.data.own_files import find_own_images, read_class_folders
from osteolens.data.own_table import is_own, own_table
from osteolens.data.schema import ImageFiles, Metadata, MetadataError, check_metadata, find_images
from osteolens.data.table_files import Cells, read_cells
from osteolens.domain import Column
from osteolens.errors import DataError


@dataclass(frozen=True, slots=True)
class Source:
    """A checked table with one row per image, and the files of its images."""

    metadata: Metadata
    files: ImageFiles


def read_source(options: DataOptions) -> Source:
    """Read the table of a data root, or its class folders, and find the image files.

    Raises
    ------
    DataError
        The data root, its images folder or its table is missing or unusable, or none of the images has a file.
    """
    root, images_dir = options.root, options.root / options.images_dir
    if not root.is_dir():
        raise DataError(f"the data folder {root} does not exist. Set data.root, or make a phantom: osteolens phantom.")
    if not images_dir.is_dir():
        raise DataError(f"the data folder {root} has no image folder {options.images_dir}/. Set data.images_dir.")
    if options.metadata is None:
        return Source(*read_class_folders(images_dir, options.label_values))
    source = _read_table(root / options.metadata, images_dir, options)
    if not source.files.paths:
        raise DataError(f"none of the images that {options.metadata} lists is in {images_dir}.")
    return source


def check_table(cells: Cells, path: Path, options: DataOptions) -> tuple[Metadata, bool]:
    """Return the checked table that was read from `path`, and whether it is read by its own columns.

    Raises
    ------
    MetadataError
        Labels or identities are in doubt; the exception bears all violations.
    """
    if not is_own(cells, options.columns, options.label_values):
        return check_metadata(cells, path), False
    metadata = own_table(cells, options.columns, options.label_values, (options.root / options.images_dir).name)
    if (metadata.violations["severity"] == "error").any():
        raise MetadataError(path, metadata.violations)
    return metadata, True


def _read_table(path: Path, images_dir: Path, options: DataOptions) -> Source:
    metadata, is_of_own_columns = check_table(read_cells(path), path, options)
    find = find_own_images if is_of_own_columns else find_images
    return Source(metadata, find(images_dir, metadata.frame[Column.IMAGE_ID]))
