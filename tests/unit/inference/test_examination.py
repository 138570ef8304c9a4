from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from dicom_files import file_bytes, radiograph
from limbs import limb

from osteolens.data.preprocessing import read_input
from osteolens.domain import Preprocessing
from osteolens.errors import ConfigError, DataError, GateError
from osteolens.inference.examination import GATE_NAMES, accepted_gates, examine_array, examine_file

RECORD = Preprocessing(size=32)
NOTHING: frozenset[str] = frozenset()


def written(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


def chest(path: Path) -> Path:
    """A limb whose header says chest."""
    path.write_bytes(file_bytes(radiograph(limb(200, 150), BodyPartExamined="CHEST")))
    return path


def test_a_radiograph_passes_and_becomes_the_input_of_evaluation(tmp_path: Path) -> None:
    for name in ("knee.png", "knee.jpg"):
        path = written(tmp_path / name, limb(900, 700))
        picture = examine_file(path, RECORD, NOTHING)
        np.testing.assert_array_equal(picture.pixels, read_input(path, RECORD))
        assert picture.accepted == ()


def test_a_refusal_names_picture_gate_and_way_out(tmp_path: Path) -> None:
    path = written(tmp_path / "grey.png", np.full((300, 300), 90, np.uint8))
    with pytest.raises(
        GateError, match=r"grey\.png does not look like a radiograph: it is blank .*--accept blank"
    ) as told:
        examine_file(path, RECORD, NOTHING)
    assert told.value.gate == "blank"


def test_what_is_accepted_is_answered_and_kept_and_all_objections_must_be(tmp_path: Path) -> None:
    path = written(tmp_path / "grey.png", np.full((300, 300), 90, np.uint8))
    with pytest.raises(GateError, match="--accept few-greys"):
        examine_file(path, RECORD, frozenset({"blank"}))
    accepted = examine_file(path, RECORD, accepted_gates(["blank", "few-greys", "colour"])).accepted
    assert [objection.gate for objection in accepted] == ["blank", "few-greys"]


def test_a_large_jpeg_is_looked_at_as_finely_as_the_gates_need(tmp_path: Path) -> None:
    """At 32 pixels a side, which the network needs, the grain of noise would be averaged away."""
    noise = np.random.default_rng(0).integers(0, 256, (1600, 1600), dtype=np.uint8)
    with pytest.raises(GateError, match="as in noise"):
        examine_file(written(tmp_path / "noise.jpg", noise), RECORD, NOTHING)


def test_another_part_of_the_body_is_answered_only_when_it_is_accepted(tmp_path: Path) -> None:
    path = chest(tmp_path / "chest.dcm")
    with pytest.raises(GateError, match=r"is a radiograph of the chest, .*--accept body-part") as told:
        examine_file(path, RECORD, NOTHING)
    assert told.value.gate == "body-part"
    plain = tmp_path / "limb.dcm"
    plain.write_bytes(file_bytes(radiograph(limb(200, 150))))
    overruled = examine_file(path, RECORD, frozenset({"body-part"}))
    np.testing.assert_array_equal(overruled.pixels, examine_file(plain, RECORD, NOTHING).pixels)
    assert [objection.gate for objection in overruled.accepted] == ["body-part"]


def test_no_other_reader_is_asked_about_a_dicom_file(tmp_path: Path) -> None:
    """Its preamble may be that of a TIFF; Pillow would warn of what it finds there, and warnings are errors here."""
    content = file_bytes(radiograph(limb(200, 150)))
    tiff = b"II*\0" + len(content).to_bytes(4, "little")  # a directory that begins where the file ends
    (tmp_path / "both.dcm").write_bytes(tiff.ljust(128, b"\0") + content[128:])
    assert examine_file(tmp_path / "both.dcm", RECORD, NOTHING).accepted == ()


def test_what_is_no_single_radiograph_cannot_be_accepted(tmp_path: Path) -> None:
    path = tmp_path / "ct.dcm"
    path.write_bytes(file_bytes(radiograph(limb(200, 150), Modality="CT")))
    with pytest.raises(DataError, match="is a CT image"):
        examine_file(path, RECORD, frozenset(GATE_NAMES))


def test_an_array_is_treated_as_its_file(tmp_path: Path) -> None:
    grey = limb(200, 150)
    ours = examine_array(grey, "array", RECORD, NOTHING)
    theirs = examine_file(written(tmp_path / "a.png", grey), RECORD, NOTHING)
    np.testing.assert_array_equal(ours.pixels, theirs.pixels)
    with pytest.raises(GateError, match="array does not look like a radiograph: it is too small"):
        examine_array(limb(90, 90), "array", RECORD, NOTHING)
    for wrong in (grey.astype(np.float32), np.stack([grey] * 3, axis=2), grey[:8]):
        with pytest.raises(DataError, match=r"a picture is grey, uint8 \[height, width\]"):
            examine_array(wrong, "array", RECORD, NOTHING)


def test_an_unknown_gate_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no gate chest\. The gates are body-part, tiny, .*, novelty\."):
        accepted_gates(["chest", "tiny"])
