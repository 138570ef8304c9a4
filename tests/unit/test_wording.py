from osteolens.wording import capital, counted, first_of, printable


def test_one_is_singular_and_large_numbers_have_separators() -> None:
    assert [counted(number, "image") for number in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert (counted(1, "box", "boxes"), counted(1200, "box", "boxes")) == ("1 box", "1,200 boxes")


def test_only_the_first_letter_is_changed() -> None:
    assert [capital(text) for text in ("map of Normal", "Grad-CAM", "")] == ["Map of Normal", "Grad-CAM", ""]


def test_names_of_files_stay_on_one_line_and_are_text() -> None:
    assert printable("Knie_ä 1.dcm") == "Knie_ä 1.dcm"
    assert printable("a\nb\x1b[2J\udcff") == r"a\nb\x1b[2J\udcff"


def test_a_long_list_names_the_first_and_counts_the_others() -> None:
    assert first_of(["a", "b"], 2) == "a, b"
    assert first_of(["a", "b", "c", "d"], 2) == "a, b and 2 others"
