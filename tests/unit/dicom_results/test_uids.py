"""UIDs are valid, depend on every part and on nothing else."""

from __future__ import annotations

import uuid

from pydicom.uid import UID

from osteolens.dicom_results.uids import derived_uid


def test_a_uid_is_a_name_based_uuid_in_decimal() -> None:
    uid = UID(derived_uid("instance", "1.2.3"))
    assert uid.is_valid
    assert uid.startswith("2.25.")
    assert len(uid) <= 44
    assert uuid.UUID(int=int(uid.removeprefix("2.25."))).version == 5


def test_the_same_parts_give_the_same_uid_and_others_another() -> None:
    assert derived_uid("a", "b") == derived_uid("a", "b")
    assert len({derived_uid(*parts) for parts in [("a", "b"), ("b", "a"), ("ab",), ("a", "b", ""), ("a", "c")]}) == 5
