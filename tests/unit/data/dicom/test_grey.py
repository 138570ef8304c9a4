"""Grey values worked out by hand from the formulas of the standard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dicom_files import file_bytes, lookup_table, radiograph, row_of
from numpy.typing import NDArray

from osteolens.data.images import decode_grey
from osteolens.errors import DataError


def shown(pixels: NDArray[Any], count: int, **elements: Any) -> list[int]:
    """The first grey values of the first row."""
    grey = decode_grey(file_bytes(radiograph(pixels, **elements)), name="a.dcm")
    assert grey.dtype == np.uint8
    assert (grey == grey[0]).all()
    return grey[0, :count].tolist()


def test_without_a_window_the_range_of_the_pixels_is_shown() -> None:
    # 50 / 100 * 255 = 127.5, rounded up
    assert shown(row_of(10, 60, 110, 35), 4, bits=12) == [0, 128, 255, 64]
    assert shown(row_of(10, 60, 110, 35, dtype=np.uint8), 4) == [0, 128, 255, 64]


def test_a_picture_of_one_value_is_black() -> None:
    assert shown(row_of(700), 2, bits=12) == [0, 0]


def test_a_linear_window() -> None:
    # (x - 2047.5) / 4095 + .5 = x / 4095: 1000 gives 62.27, 2048 gives 127.53
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    assert shown(row_of(0, 1000, 2048, 4095), 4, bits=12, **window) == [0, 62, 128, 255]


def test_the_edges_of_a_linear_window_lie_half_a_value_off() -> None:
    # from above 99 to above 100: (100 - 99.5) / 1 + .5 = 1
    assert shown(row_of(98, 99, 100, 101), 4, bits=12, WindowCenter=100, WindowWidth=2) == [0, 0, 255, 255]


def test_an_exact_linear_window() -> None:
    # (75 - 100) / 100 + .5 = .25: 63.75
    window = {"WindowCenter": 100, "WindowWidth": 100, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(row_of(40, 50, 75, 100, 150, 200), 6, bits=12, **window) == [0, 0, 64, 128, 255, 255]


def test_a_sigmoid_window() -> None:
    # 255 / (1 + exp(-4 * 10 / 40)) = 186.42; at 4000 the exponential vanishes
    window = {"WindowCenter": 100, "WindowWidth": 40, "VOILUTFunction": "SIGMOID"}
    assert shown(row_of(90, 100, 110, 4000), 4, bits=12, **window) == [69, 128, 186, 255]


def test_the_first_of_several_windows_counts() -> None:
    window = {"WindowCenter": [100, 3000], "WindowWidth": [2, 10]}
    assert shown(row_of(99, 100), 2, bits=12, **window) == [0, 255]


@pytest.mark.parametrize("window", [{"WindowWidth": 0}, {"WindowWidth": 0.5}, {"WindowWidth": -3}, {}])
def test_a_window_without_width_is_none(window: dict[str, float]) -> None:
    assert shown(row_of(10, 60, 110), 3, bits=12, WindowCenter=5, **window) == [0, 128, 255]


def test_the_lowest_value_of_monochrome1_is_white() -> None:
    window = {"WindowCenter": 2048, "WindowWidth": 4096, "PhotometricInterpretation": "MONOCHROME1"}
    for shape in (None, "INVERSE"):  # the shape says the same again and is no second inversion
        values = shown(row_of(0, 1000, 4095), 3, bits=12, PresentationLUTShape=shape, **window)
        assert values == [255, 193, 0]  # 255 - 62.27 = 192.73


def test_the_shape_identity_goes_with_monochrome2() -> None:
    assert shown(row_of(0, 9), 2, bits=12, PresentationLUTShape="IDENTITY") == [0, 255]


@pytest.mark.parametrize(("polarity", "shape"), [("MONOCHROME1", "IDENTITY"), ("MONOCHROME2", "INVERSE")])
def test_a_contradiction_about_white_is_refused(polarity: str, shape: str) -> None:
    with pytest.raises(DataError, match=r"a\.dcm contradicts itself: .* white could be black"):
        shown(row_of(0, 9), 2, PhotometricInterpretation=polarity, PresentationLUTShape=shape)


def test_a_window_is_in_units_of_the_rescaled_values() -> None:
    # 2 * x - 100: 0 gives -100, 50 gives 0, 100 gives 100; LINEAR_EXACT from -100 to 100
    elements = {"RescaleSlope": 2, "RescaleIntercept": -100, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(row_of(0, 50, 75, 100), 4, bits=12, WindowCenter=0, WindowWidth=200, **elements) == [0, 128, 191, 255]


def test_a_negative_slope_turns_the_picture_and_not_the_window() -> None:
    elements = {"RescaleSlope": -1, "RescaleIntercept": 100, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(row_of(0, 75, 100), 3, bits=12, WindowCenter=50, WindowWidth=100, **elements) == [255, 64, 0]
    assert shown(row_of(0, 75, 100), 3, bits=12, RescaleSlope=-1, RescaleIntercept=100) == [255, 64, 0]


def test_a_slope_of_zero_is_refused() -> None:
    with pytest.raises(DataError, match="element RescaleSlope is damaged"):
        shown(row_of(0, 9), 2, RescaleSlope=0, RescaleIntercept=5)


def test_a_modality_lut_is_applied_before_the_window() -> None:
    # 10 and less give 200, 11 gives 100, 12 and more 0; LINEAR_EXACT from 0 to 200
    table = lookup_table([200, 100, 0], first=10, bits=16)
    window = {"WindowCenter": 100, "WindowWidth": 200, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(row_of(3, 10, 11, 12, 99), 5, bits=12, ModalityLUTSequence=[table], **window) == [255, 255, 128, 0, 0]


def test_a_voi_lut_counts_before_a_window() -> None:
    # 12 bits an entry: 1000 / 4095 * 255 = 62.27
    table = lookup_table([0, 1000, 4095], first=100, bits=12)
    values = shown(row_of(5, 100, 101, 102, 4000), 5, bits=12, VOILUTSequence=[table], WindowCenter=1, WindowWidth=2)
    assert values == [0, 0, 62, 255, 255]


def test_a_voi_lut_of_eight_bits_may_have_more_than_256_entries() -> None:
    table = lookup_table([value // 4 for value in range(1024)], first=0, bits=8)
    assert shown(row_of(0, 400, 800, 1023), 4, bits=10, VOILUTSequence=[table]) == [0, 100, 200, 255]


def test_a_voi_lut_of_bytes_is_unpacked() -> None:
    table = lookup_table([0] * 4, first=0, bits=8)
    table.LUTData = bytes([0, 50, 100, 255])
    assert shown(row_of(0, 1, 2, 3, dtype=np.uint8), 4, VOILUTSequence=[table]) == [0, 50, 100, 255]


def test_a_voi_lut_begins_at_a_negative_value() -> None:
    table = lookup_table([0, 32768, 65535], first=-1, bits=16)
    assert shown(row_of(-5, -1, 0, 1, dtype=np.int16), 4, VOILUTSequence=[table]) == [0, 0, 128, 255]


def test_a_lut_of_another_length_than_it_says_is_refused() -> None:
    table = lookup_table([0, 1, 2], first=0, bits=16)
    table.LUTDescriptor = [9, 0, 16]
    with pytest.raises(DataError, match="element LUTData is damaged"):
        shown(row_of(0, 1), 2, VOILUTSequence=[table])


def test_negative_values() -> None:
    window = {"WindowCenter": 0, "WindowWidth": 200, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(row_of(-100, -50, 0, 100, dtype=np.int16), 4, bits=12, **window) == [0, 64, 128, 255]
    assert shown(row_of(-100, 0, 100, dtype=np.int16), 3, bits=12) == [0, 128, 255]


def test_padding_is_black_and_does_not_widen_the_range() -> None:
    assert shown(row_of(4000, 100, 150, 200), 4, bits=12, PixelPaddingValue=4000) == [0, 0, 128, 255]


def test_padding_is_black_where_the_lowest_value_is_white() -> None:
    elements = {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 2048, "WindowWidth": 4096}
    assert shown(row_of(0, 1000, 4095), 3, bits=12, PixelPaddingValue=0, **elements) == [0, 193, 0]


@pytest.mark.parametrize(("value", "limit"), [(3000, 4000), (4000, 3000)])
def test_a_range_of_padding(value: int, limit: int) -> None:
    elements = {"PixelPaddingValue": value, "PixelPaddingRangeLimit": limit}
    assert shown(row_of(3000, 3500, 4000, 100, 2999), 5, bits=12, **elements) == [0, 0, 0, 0, 255]


def test_padding_of_signed_pixels_that_is_written_as_unsigned() -> None:
    dataset = radiograph(row_of(-2000, 0, 100, dtype=np.int16), PixelPaddingValue=-2000)
    dataset["PixelPaddingValue"].VR, dataset["PixelPaddingValue"].value = "US", 65536 - 2000
    assert decode_grey(file_bytes(dataset), name="a.dcm")[0, :3].tolist() == [0, 0, 255]


def test_unused_bits_are_left_out() -> None:
    overlay = 0xF000  # an overlay of old in the upper four bits
    pixels = row_of(0, 1000 | overlay, 4095)
    assert shown(pixels, 3, bits=12, WindowCenter=2048, WindowWidth=4096) == [0, 62, 255]
    negative = row_of(0x0F9C, 0, 100)  # -100 in twelve bits, its sign not spread
    assert shown(negative, 3, bits=12, PixelRepresentation=1) == [0, 128, 255]


def test_values_that_end_at_the_highest_bit() -> None:
    pixels = row_of(0 << 4 | 7, 1000 << 4 | 15, 4095 << 4)  # what lies below the twelve bits is left out too
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    assert shown(pixels, 3, bits=12, HighBit=15, **window) == [0, 62, 255]
    with pytest.raises(DataError, match="element HighBit is damaged"):
        shown(pixels, 3, bits=12, HighBit=3)


def test_an_overlay_of_its_own_is_not_drawn() -> None:
    dataset = radiograph(row_of(0, 9), bits=12)
    dataset.add_new(0x60003000, "OW", b"\xff" * 32)
    dataset.add_new(0x60000010, "US", 16)
    dataset.add_new(0x60000011, "US", 16)
    assert decode_grey(file_bytes(dataset), name="a.dcm")[0, :2].tolist() == [0, 255]
