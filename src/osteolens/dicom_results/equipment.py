"""What every object tells of the software that made it, and which UIDs it gets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from osteolens.data.dicom.identity import DicomIdentity
from osteolens.dicom_results.answered import AnsweredPicture
from osteolens.dicom_results.uids import Kind, derived_uid

MAKER = "osteolens"
SERIES_DESCRIPTION = "osteolens, RESEARCH, not for clinical use"
_LARGEST_NUMBER = 2**31 - 1  # of an integer string (PS3.5, section 6.2)
# Above the numbers that modalities give, so that viewers list the radiographs first.
_SERIES_NUMBERS: dict[Kind, int] = {"capture": 9801, "segmentation": 9802, "report": 9803}


def common(identity: DicomIdentity, answered: AnsweredPicture, kind: Kind, made_at: datetime) -> dict[str, Any]:
    """Return the arguments that the constructors of highdicom share.

    An object's UID depends on the radiograph, on everything that is told of it, and on the kind: the same answer, made
    again, is the same object. The objects of one kind that a model makes from one series of radiographs form a series.
    """
    return {
        "series_instance_uid": derived_uid("series", identity.series_uid, answered.model_id, answered.version, kind),
        "series_number": _SERIES_NUMBERS[kind],
        "sop_instance_uid": derived_uid("instance", identity.instance_uid, answered.identity, kind),
        "instance_number": _instance_number(identity),
        "manufacturer": MAKER,
        "manufacturer_model_name": "osteolens classifier",
        "device_serial_number": answered.model_id,
        "software_versions": answered.version,
        "series_description": SERIES_DESCRIPTION,
        "content_date": made_at.date(),
        "content_time": made_at.time().replace(tzinfo=None),
        "content_qualification": "RESEARCH",
    }


def _instance_number(identity: DicomIdentity) -> int:
    """Return the radiograph's own number, so that the objects of a series can be told apart; 1 where it has none."""
    try:
        number = int(identity.values.get("InstanceNumber") or 1)
    except (TypeError, ValueError):
        return 1
    return number if 1 <= number <= _LARGEST_NUMBER else 1
