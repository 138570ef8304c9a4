"""Which values of a radiograph's header may stand in an object of the standard; no message repeats one."""

from __future__ import annotations

import re
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.multival import MultiValue

from osteolens.data.dicom.identity import INSTANCE, PATIENT, STUDY, DicomIdentity
from osteolens.dicom_results.uids import LONGEST_UID, is_uid
from osteolens.errors import InferenceError

_CONTROL = r"\x00-\x1f\x7f-\x9f"
_NAME = rf"(?=[^=]{{0,64}}(?:=|\Z))[^\\=^{_CONTROL}]*(?:\^[^\\=^{_CONTROL}]*){{0,4}}"  # of one alphabet
# PS3.5, section 6.2
_BY_REPRESENTATION = {
    "PN": re.compile(rf"{_NAME}(?:={_NAME}){{0,2}}"),
    "LO": re.compile(rf"[^\\{_CONTROL}]{{0,64}}"),
    "SH": re.compile(rf"[^\\{_CONTROL}]{{0,16}}"),
    "CS": re.compile(r"[A-Z0-9 _]{0,16}"),
    "DA": re.compile(r"[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"),
    "TM": re.compile(r"(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?"),
}
# PS3.3, sections C.7.1.1, C.7.3.1, C.8.11.1, C.7.6.1
_BY_KEYWORD = {
    "PatientSex": re.compile("[MFO]"),
    "Laterality": re.compile("[RL]"),
    "ImageLaterality": re.compile("[RLUB]"),
    "PatientOrientation": re.compile("[APRLHF]{1,3}"),
    "BurnedInAnnotation": re.compile("YES|NO"),
}
_NUMBER = {"PatientOrientation": 2}  # of values, where it is not 1
_TAKEN = tuple(dict.fromkeys((*PATIENT, *STUDY, *_BY_KEYWORD, "BodyPartExamined")))


def check_uids(identity: DicomIdentity) -> None:
    """Raise :class:`InferenceError` where a UID that the objects would repeat is none: an archive may file it anywhere.

    The message names the element, not its value.
    """
    wrong = [keyword for keyword in INSTANCE if not is_uid(str(identity.values[keyword]))]
    if wrong:
        raise InferenceError(
            f"no DICOM object can be derived from this radiograph: {', '.join(wrong)} in its header is no UID (numbers "
            f"without leading zeros, joined by dots, at most {LONGEST_UID} characters). Have it exported again."
        )


def conforming(identity: DicomIdentity, keyword: str) -> Any:
    """Return the value of an element that is taken over; None where it is missing or not as the standard asks."""
    return identity.values.get(keyword) if _conforms(identity, keyword) else None


def not_conforming(identity: DicomIdentity) -> list[str]:
    """Return the elements that would be taken over if their values were as the standard asks."""
    return [keyword for keyword in _TAKEN if not _conforms(identity, keyword)]


def _conforms(identity: DicomIdentity, keyword: str) -> bool:
    value = identity.values.get(keyword)
    values = list(value) if isinstance(value, MultiValue) else [value]
    texts = ["" if one is None else str(one).strip(" ") for one in values]
    if not any(texts):
        return True
    rule = _BY_KEYWORD.get(keyword) or _BY_REPRESENTATION[dictionary_VR(keyword)]
    return len(texts) == _NUMBER.get(keyword, 1) and all(rule.fullmatch(text) for text in texts)
