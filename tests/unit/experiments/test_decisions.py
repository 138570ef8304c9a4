from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from exported import lively_checkpoint, run_of

from osteolens.config import Config, load_config
from osteolens.errors import DataError
from osteolens.experiments.decisions import store_decisions
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import load_checkpoint, network_sha256
from osteolens.storage import RunFolder, read_json, write_json


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return lively_checkpoint(tmp_path / "best.pt")


@pytest.fixture
def run(checkpoint: Path, tmp_path: Path) -> RunFolder:
    return run_of(checkpoint, tmp_path / "run")


@pytest.fixture
def config() -> Config:
    return load_config(None, [])


def test_a_checkpoint_is_calibrated_by_its_evaluation(checkpoint: Path, config: Config, run: RunFolder) -> None:
    before = load_checkpoint(checkpoint)
    store_decisions(checkpoint, config, run)
    network = TorchNetwork.from_checkpoint(checkpoint, "cpu")
    assert network.decisions is not None
    written = read_json(run.evaluation / "decisions.json")
    assert network.decisions.scaling is not None
    assert network.decisions.scaling.temperature == written["calibration"]["temperature"]["scaling"]["temperature"]
    assert [point.threshold for point in network.decisions.points] == [
        point["threshold"] for points in written["operating_points"]["questions"].values() for point in points.values()
    ]
    after = load_checkpoint(checkpoint)
    assert network_sha256(after) == network_sha256(before) == network.sha256
    assert after.novelty.keys() == before.novelty.keys()


def test_what_is_stored_is_left_as_it_is_until_it_changes(checkpoint: Path, config: Config, run: RunFolder) -> None:
    store_decisions(checkpoint, config, run)
    content = checkpoint.read_bytes()
    store_decisions(checkpoint, config, run)
    assert checkpoint.read_bytes() == content
    path = run.evaluation / "decisions.json"
    values = json.loads(path.read_text())
    values["conformal"]["sets"]["cutoffs"] = [0.1, 0.2, 0.3]
    write_json(path, values)
    store_decisions(checkpoint, config, run)
    network = TorchNetwork.from_checkpoint(checkpoint, "cpu")
    assert network.decisions is not None
    assert network.decisions.conformal is not None
    assert network.decisions.conformal.cutoffs == (0.1, 0.2, 0.3)


def test_decisions_on_other_answers_are_not_stored(
    checkpoint: Path, config: Config, run: RunFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = checkpoint.read_bytes()
    flipped = not load_checkpoint(checkpoint).config["evaluation"]["flip_averaging"]
    store_decisions(checkpoint, config.with_overrides(f"evaluation.flip_averaging={flipped}"), run)
    assert "flip_averaging is not that of the training" in caplog.text
    other = run_of(lively_checkpoint(tmp_path / "other.pt", seed=1), tmp_path / "other")
    with pytest.raises(DataError, match="answers of another checkpoint"):
        store_decisions(checkpoint, config, other)
    assert checkpoint.read_bytes() == content


def test_a_checkpoint_that_cannot_be_written_is_told(
    checkpoint: Path, config: Config, run: RunFolder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise PermissionError(13, "no")

    content = checkpoint.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("tempfile.mkstemp", refused)
        store_decisions(checkpoint, config, run)
    assert "were not stored in its checkpoint: no permission to write" in caplog.text
    assert checkpoint.read_bytes() == content


def test_the_identity_of_a_network_follows_weights_classes_and_preprocessing(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    changes = {
        "provenance": {"device": "mps"},
        "epoch": 7,
        "decisions": {"a": 1},
        "class_names": ("Normal", "Malignant", "Benign"),
        "preprocessing": loaded.preprocessing | {"clahe": True},
        "model_state": {name: value + 1 for name, value in loaded.model_state.items()},
    }
    kept = {
        key: network_sha256(dataclasses.replace(loaded, **{key: value})) == network_sha256(loaded)
        for key, value in changes.items()
    }
    assert kept == {
        "provenance": True,
        "epoch": True,
        "decisions": True,
        "class_names": False,
        "preprocessing": False,
        "model_state": False,
    }
