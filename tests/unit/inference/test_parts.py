from __future__ import annotations

from pathlib import Path

import pytest

from osteolens.errors import DataError, StorageError
from osteolens.inference.outcome import Outcome
from osteolens.inference.parts import PartFolder
from osteolens.inference.reading import Failure

MADE_WITH = {"the model": "m", "the pictures": "p"}


def outcome(name: str) -> Outcome:
    return Outcome(Failure(name, f"{name} cannot be read."))


@pytest.fixture
def begun(tmp_path: Path) -> PartFolder:
    """Three parts, the second of them missing, and what kills left half written."""
    folder = PartFolder(tmp_path / "parts", 3)
    folder.open(MADE_WITH)
    folder.write(0, [outcome("a"), outcome("b")])
    folder.write(2, [outcome("d")])
    (folder.root / ".part-000001.jsonl.x1").write_text("half")
    (folder.root / ".run.json.x1").write_text("half")
    return folder


def hidden(folder: PartFolder) -> list[str]:
    return sorted(path.name for path in folder.root.glob(".*"))


def test_what_is_missing_is_known_and_what_was_half_written_is_removed(begun: PartFolder) -> None:
    begun.open(MADE_WITH)
    assert begun.missing == [1]
    assert hidden(begun) == []
    begun.write(1, [outcome("c")])
    assert begun.missing == []
    assert [one.result.image for one in begun.outcomes()] == ["a", "b", "c", "d"]


def test_a_batch_made_with_something_else_is_refused_with_what_differs(begun: PartFolder) -> None:
    with pytest.raises(StorageError, match=r"differs in: the pictures\..*--out.*--fresh"):
        begun.open(MADE_WITH | {"the pictures": "others"})
    assert begun.missing == [1]
    begun.open(MADE_WITH | {"the pictures": "others"}, fresh=True)
    assert begun.missing == [0, 1, 2]


def test_a_batch_of_which_nothing_is_done_gives_way_to_another(begun: PartFolder) -> None:
    for path in begun.root.glob("part-*"):
        path.unlink()
    begun.open({"the model": "other"})
    begun.write(0, [outcome("a")])
    with pytest.raises(StorageError, match="differs in: the model"):
        begun.open(MADE_WITH)


def test_parts_without_a_record_are_rubbish(begun: PartFolder) -> None:
    (begun.root / "run.json").unlink()
    begun.open(MADE_WITH)
    assert begun.missing == [0, 1, 2]


def test_clearing_removes_nothing_of_others(begun: PartFolder) -> None:
    (begun.root / "mine.txt").write_text("mine")
    begun.clear()
    assert [path.name for path in begun.root.iterdir()] == ["mine.txt"]
    (begun.root / "mine.txt").unlink()
    begun.clear()
    assert not begun.root.exists()


@pytest.mark.parametrize("text", ["{", '{"answer": {}}\n', '{"failure": {"wrong": 1}}\n', "[]\n"])
def test_a_damaged_part_is_told(begun: PartFolder, text: str) -> None:
    (begun.root / "part-000001.jsonl").write_text(text)
    with pytest.raises(DataError, match=r"part-000001\.jsonl is damaged .* Delete it"):
        list(begun.outcomes())
