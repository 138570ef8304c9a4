from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from dicom_files import CAPTURE, DX, encapsulated, file_bytes, radiograph, row_of
from pydicom.dataset import Dataset
from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping
from pydicom.uid import MPEG2MPML, UID

from osteolens.data.dicom.regions import REFUSED_CODES
from osteolens.data.images import decode_grey
from osteolens.errors import DataError

PIXELS = row_of(0, 50, 100)


def decoded(**elements: Any) -> np.ndarray[Any, Any]:
    return decode_grey(file_bytes(radiograph(PIXELS, bits=12, **elements)), name="knee.dcm")


@pytest.mark.parametrize(
    "elements",
    [
        {"Modality": "CR"},
        {"Modality": "DX", "SOPClassUID": DX, "PresentationIntentType": "FOR PRESENTATION"},
        {"Modality": "RG"},
        {"Modality": "DR"},
        {"Modality": "cr "},
        {"Modality": "DX", "SOPClassUID": CAPTURE},
        {"Modality": None},  # its class tells
        {"SOPClassUID": None},
        {"SOPClassUID": "1.3.6.1.4.1.99999.1"},  # a private class goes by its modality
        {"NumberOfFrames": 1},
        *({"BodyPartExamined": part} for part in (None, "", "HIP", "PELVIS", "HAND", "EXTREMITY", "LEG", "Knie links")),
    ],
)
def test_radiographs_are_read(elements: dict[str, Any]) -> None:
    assert decoded(**elements)[0, :3].tolist() == [0, 128, 255]


@pytest.mark.parametrize("modality", ["OT", "SC"])
def test_a_capture_of_untold_kind_is_read_with_a_note(modality: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="osteolens"):
        assert decoded(Modality=modality, SOPClassUID=CAPTURE).shape == (16, 16)
    assert [record.message for record in caplog.records] == [
        f"knee.dcm has modality {modality}: its header does not tell that it is a radiograph."
    ]


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"Modality": "CT"}, r"is a CT image \(modality CT\). Only radiographs"),
        ({"Modality": "MR"}, "is an MR image"),
        ({"Modality": "US"}, "is an ultrasound image"),
        ({"Modality": "NM"}, "is a nuclear medicine image"),
        ({"Modality": "PT"}, "is a PET image"),
        ({"Modality": "MG"}, "is a mammogram"),
        ({"Modality": "XA"}, "is an angiography"),
        ({"Modality": "SR", "PixelData": None}, "is a structured report"),
        ({"Modality": "ECG", "PixelData": None}, "is an electrocardiogram"),
        ({"Modality": "IO"}, "is a dental radiograph"),
        ({"Modality": "QQ"}, "of a modality that is not read"),
        ({"Modality": None, "SOPClassUID": CAPTURE}, "does not tell its modality"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "of the class CT Image Storage"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1", "PixelData": None}, "of the class Encapsulated PDF Storage"),
        ({"SOPClassUID": DX + ".1"}, "raw radiograph, FOR PROCESSING"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw radiograph, FOR PROCESSING"),
        ({"NumberOfFrames": 2, "PixelData": PIXELS.tobytes() * 2}, "holds 2 frames"),
        ({"BodyPartExamined": "CHEST"}, "is a radiograph of the chest, as its header says; the limbs"),
        ({"BodyPartExamined": "THORAX"}, "the chest"),
        ({"BodyPartExamined": "ABDOMEN"}, "the abdomen"),
        ({"BodyPartExamined": "skull "}, "the head"),
        ({"BodyPartExamined": "BREAST"}, "the breast"),
        ({"BodyPartExamined": "DENTAL"}, "the teeth"),
        ({"BodyPartExamined": "C-SPINE"}, "the spine"),
        ({"BodyPartExamined": "LSPINE"}, "the spine"),
        ({"PixelData": None}, "without pixels: none were stored, or the file is cut short"),
        ({"PixelData": b""}, "without pixels"),
        ({"Rows": None}, "without the element Rows"),
        ({"BitsStored": None}, "without the element BitsStored"),
        ({"Rows": 8, "PixelData": PIXELS.tobytes()[:256]}, "16 x 8 pixels; a radiograph needs at least 16"),
        ({"Rows": 60_000, "Columns": 60_000}, "60000 x 60000 pixels; at most 100,000,000"),
        ({"Rows": 17}, "holds 512 bytes of pixels where 16 x 17 need 544. It is cut short, or its header is wrong"),
        ({"PixelData": PIXELS.tobytes() + bytes(2)}, "holds 514 bytes of pixels where 16 x 16 need 512"),
        ({"PhotometricInterpretation": None}, "of a photometric interpretation that is not read"),
        ({"PhotometricInterpretation": "RGB"}, "element PhotometricInterpretation is damaged"),
        ({"SamplesPerPixel": 2}, "2 samples per pixel"),
        ({"BitsAllocated": 32, "BitsStored": 32, "PixelData": bytes(1024)}, "32 bits stored in 32"),
        ({"BitsStored": 17}, "17 bits stored in 16"),
        ({"BitsAllocated": 1, "BitsStored": 1, "PixelData": bytes(32)}, "1 bits stored in 1"),
    ],
)
def test_everything_else_is_refused_in_words(elements: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=rf"^knee\.dcm .*{words}"):
        decoded(**elements)


@pytest.mark.parametrize("code", ["51185008", "T-D3000"])
def test_a_region_by_code_alone_is_refused(code: str) -> None:
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator = code, "SCT"
    with pytest.raises(DataError, match="a radiograph of the chest"):
        decoded(BodyPartExamined=None, AnatomicRegionSequence=[region])


def test_codes_mean_what_the_refusal_says() -> None:
    """By the tables that pydicom makes from PS3.16; those it does not have are older or of a parent region."""
    meanings = {code: words.lower() for names in concepts["SCT"].values() for code, (words, _) in names.items()}
    hints = {
        "the chest": ("chest", "thora", "lung", "heart", "rib", "stern", "mediast"),
        "the abdomen": ("abdom",),
        "the head": ("head", "skull", "brain", "face", "facial", "jaw", "mandib", "maxil", "sinus", "orbit"),
        "the neck": ("neck",),
        "the spine": ("spine", "vertebral column"),
        "the breast": ("breast",),
        "the whole body": ("entire body",),
    }
    known = 0
    for code, words in REFUSED_CODES.items():
        meaning = meanings.get(mapping["SRT"].get(code, code))
        if meaning is not None:
            known += 1
            assert any(hint in meaning for hint in hints[words]), (code, words, meaning)
    assert known > 40


def test_an_encoding_that_is_not_read_is_named() -> None:
    for syntax, words in ((MPEG2MPML, "MPEG2 Main Profile"), (UID("1.2.3.4.5"), "a private transfer syntax")):
        data = file_bytes(encapsulated(PIXELS, bytes(100), syntax))
        with pytest.raises(DataError, match=f"a is encoded as {words}.*, which is not read. Export it"):
            decode_grey(data, name="a")
