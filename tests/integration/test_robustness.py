"""What corrupted pictures cost, through the verb, with an untrained network in the place of a run's best checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from command import osteolens
from sklearn.metrics import accuracy_score, recall_score
from untrained import untrained

from osteolens.config import Config
from osteolens.data.corruptions import CORRUPTIONS
from osteolens.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from osteolens.models.checkpoint import checkpoint_path, save_checkpoint
from osteolens.storage import RunFolder

SCHEME = "stratified"


def save_network(config: Config, seed: int) -> None:
    save_checkpoint(checkpoint_path(config, SCHEME, "best"), untrained(config, seed=seed))


@pytest.fixture
def command(tiny_config: Config, tmp_path: Path) -> list[str | Path]:
    save_network(tiny_config, 3)
    tiny_config.save(tmp_path / "config.yaml")
    return ["robustness", "--config", tmp_path / "config.yaml", "--split", SCHEME]


@pytest.fixture
def folder(tiny_config: Config) -> Path:
    return RunFolder(tiny_config.paths.results_dir / tiny_config.experiment / SCHEME).robustness


def stamps(folder: Path, pattern: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.glob(pattern))}


@pytest.mark.slow
def test_the_whole_record(command: list[str | Path], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens(*command) == EXIT_OK
    assert capsys.readouterr().out.strip() == str(folder / "corruption.json")
    record = json.loads((folder / "corruption.json").read_text(encoding="utf-8"))
    assert list(record["corruptions"]) == list(record["curves"]) == list(CORRUPTIONS)
    assert record["not_measured"] == []
    clean = pd.read_csv(folder.parent / "predictions.csv", dtype={"image_id": str})
    clean = clean[clean["split"] == record["split"]]
    assert record["split"] == "test"
    assert record["clean"]["n"] == len(clean)
    assert set(clean["checkpoint_sha256"]) == {record["checkpoint_sha256"]}
    for name, points in record["curves"].items():
        assert [point["strength"] for point in points] == list(CORRUPTIONS[name].strengths)
        for point in points:
            table = pd.read_csv(folder / point["table"], dtype={"image_id": str})
            assert table["image_id"].tolist() == clean["image_id"].tolist()
            assert table["case_id"].tolist() == clean["case_id"].tolist()
            accuracy = accuracy_score(table["label"], table["predicted"])
            assert point["scores"]["accuracy"]["value"] == pytest.approx(accuracy)
            before = accuracy_score(clean["label"], clean["predicted"])
            assert point["loss"]["accuracy"]["value"] == pytest.approx(before - accuracy)
            recall = recall_score(table["label"], table["predicted"], labels=["Malignant"], average=None)[0]
            assert point["scores"]["sensitivity"]["Malignant"]["value"] == pytest.approx(recall)
    moved = pd.read_csv(folder / "inversion_1.csv")["prob_Normal"].to_numpy() - clean["prob_Normal"].to_numpy()
    assert abs(moved).max() > 1e-4
    assert {path.name for path in folder.glob("corruption_curves.*")} == {
        "corruption_curves.png",
        "corruption_curves.svg",
    }


def test_finished_corruptions_are_not_predicted_again(command: list[str | Path], folder: Path) -> None:
    assert osteolens(*command, "--only", "inversion, brightness") == EXIT_OK
    record = json.loads((folder / "corruption.json").read_text(encoding="utf-8"))
    assert list(record["curves"]) == ["brightness", "inversion"]
    assert record["not_measured"] == ["noise", "blur", "contrast", "rotation", "borders"]
    before = stamps(folder, "*.csv")
    assert len(before) == 5
    (folder / "brightness_-0.2.csv").unlink()  # as if the process had been killed before it was written
    assert osteolens(*command, "--only", "borders,brightness") == EXIT_OK
    after = stamps(folder, "*.csv")
    assert after["inversion_1.csv"] == before["inversion_1.csv"]
    assert after["brightness_0.4.csv"] != before["brightness_0.4.csv"]
    record = json.loads((folder / "corruption.json").read_text(encoding="utf-8"))
    assert list(record["curves"]) == ["brightness", "inversion", "borders"]
    everything = stamps(folder, "*")
    assert osteolens(*command, "--only", "borders,brightness") == EXIT_OK
    assert stamps(folder, "*") == everything


def test_another_network_is_measured_anew(command: list[str | Path], folder: Path, tiny_config: Config) -> None:
    assert osteolens(*command, "--only", "inversion,borders") == EXIT_OK
    before = (folder / "inversion_1.csv").read_bytes()
    save_network(tiny_config, 4)
    assert osteolens(*command, "--only", "inversion") == EXIT_OK
    assert (folder / "inversion_1.csv").read_bytes() != before
    record = json.loads((folder / "corruption.json").read_text(encoding="utf-8"))
    assert "borders" in record["not_measured"]


def test_tables_of_two_states_are_not_taken_together(
    command: list[str | Path], folder: Path, tiny_config: Config
) -> None:
    """As a kill leaves them: the tables are of another network already, the record still of this one."""
    assert osteolens(*command, "--only", "brightness") == EXIT_OK
    record, table = folder / "stages.json", folder / "brightness_0.2.csv"
    kept, first = record.read_bytes(), table.read_bytes()
    save_network(tiny_config, 4)
    assert osteolens(*command, "--only", "brightness") == EXIT_OK
    assert table.read_bytes() != first
    record.write_bytes(kept)
    save_network(tiny_config, 3)
    assert osteolens(*command, "--only", "brightness") == EXIT_OK
    assert table.read_bytes() == first


def test_other_intervals_need_no_new_predictions(command: list[str | Path], folder: Path) -> None:
    assert osteolens(*command, "--only", "inversion") == EXIT_OK
    before = stamps(folder, "*.csv")
    assert osteolens(*command, "--only", "inversion", "-o", "evaluation.confidence=0.9") == EXIT_OK
    assert stamps(folder, "*.csv") == before
    assert json.loads((folder / "corruption.json").read_text(encoding="utf-8"))["confidence"] == 0.9


def test_what_cannot_be_measured_is_told(
    command: list[str | Path], tiny_config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert osteolens(*command, "--only", "noise,fog") == EXIT_USAGE
    assert "unknown corruption(s) fog; known are noise, blur" in capsys.readouterr().err
    checkpoint_path(tiny_config, SCHEME, "best").unlink()
    assert osteolens(*command, "--only", "noise") == EXIT_FAILURE
    assert "error: " in capsys.readouterr().err
