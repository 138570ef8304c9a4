"""The DICOM objects of an answered, made together and written together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from osteolens.data.dicom.header import damage
from osteolens.data.dicom.identity import DicomIdentity
from osteolens.data.dicom.parsing import be_silent
from osteolens.dicom_results.answered import AnsweredPicture
from osteolens.dicom_results.privacy import private_writer
from osteolens.errors import ConfigError, InferenceError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# In the order in which an archive should get them: a report after what it refers to.
FILE_ORDER = (CAPTURE_FILE, SEGMENTATION_FILE, REPORT_FILE) = ("capture.dcm", "segmentation.dcm", "report.dcm")
logger = logging.getLogger("osteolens")

_UNFIT = "no DICOM object can be derived from this radiograph: its header does not follow the standard."


@dataclass(frozen=True, slots=True)
class DicomResults:
    """The objects of one answer; the radiograph's study, series of their own.

    Attributes
    ----------
    capture
        Secondary Capture: the answer burnt in.
    segmentation
        The region of the map; None where it shows nothing.
    report
        Structured Report, TID 1500.
    """

    capture: Dataset
    segmentation: Dataset | None
    report: Dataset

    def files(self) -> Iterator[tuple[str, Dataset]]:
        """Yield file name and object in the order of :data:`FILE_ORDER`."""
        yield CAPTURE_FILE, self.capture
        if self.segmentation is not None:
            yield SEGMENTATION_FILE, self.segmentation
        yield REPORT_FILE, self.report

    def write(self, folder: Path) -> list[Path]:
        """Write each object into a folder, whole or not at all, for its owner to read, and return the files.

        Raises
        ------
        InferenceError
            The radiograph's header holds what cannot be written again; the message tells nothing of it.
        StorageError
            The folder cannot be written.
        """
        written = []
        for name, dataset in self.files():
            try:
                with private_writer(folder / name) as stream:
                    dataset.save_as(stream, enforce_file_format=True)
            except damage():
                raise InferenceError(_UNFIT) from None
            written.append(folder / name)
        return written


def make_results(
    identity: DicomIdentity, answered: AnsweredPicture, made_at: datetime, name: str = "the radiograph"
) -> DicomResults:
    """Make the objects that tell an answer to an archive.

    What in the header is not as the standard asks stays out of them; one warning names the elements.

    Parameters
    ----------
    identity
        Of the radiograph that was answered.
    made_at
        Local time that the objects bear.
    name
        Of the radiograph in the warning.

    Raises
    ------
    ConfigError
        highdicom is not installed.
    InferenceError
        A UID of the radiograph is none, or its header cannot be taken over; the message tells nothing of it.
    """
    require_highdicom()
    from osteolens.dicom_results.capture import make_capture
    from osteolens.dicom_results.conformance import check_uids
    from osteolens.dicom_results.report import make_report
    from osteolens.dicom_results.segmentation import make_segmentation

    check_uids(identity)
    _warn_of_what_stays_out(identity, name)
    try:
        segmentation = make_segmentation(identity, answered, made_at)
        capture = make_capture(identity, answered, made_at)
        return DicomResults(capture, segmentation, make_report(identity, answered, segmentation, made_at))
    except damage():
        raise InferenceError(_UNFIT) from None


def _warn_of_what_stays_out(identity: DicomIdentity, name: str) -> None:
    from osteolens.dicom_results.conformance import not_conforming

    if keywords := not_conforming(identity):
        logger.warning("%s: not as the standard asks, so not taken over: %s.", name, ", ".join(keywords))


def require_highdicom() -> None:
    """Raise :class:`ConfigError` where the extra is not installed; silence what repeats values of headers."""
    try:
        import highdicom  # noqa: F401
    except ImportError:
        raise ConfigError("DICOM results need the extra: pip install 'osteolens[dicom]'.") from None
    be_silent()
    logging.getLogger("highdicom").setLevel(logging.CRITICAL + 1)
