from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from untrained import untrained

from osteolens.config import Config
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.experiments import stages
from osteolens.models.checkpoint import checkpoint_path, save_checkpoint
from osteolens.storage import RunFolder, read_json
from osteolens.training.run import run_folder

SCHEME = "case"
FIGURES = {"val_loss": 1.0, "val_macro_auc": 0.5}
CHOSE = "The validation images also chose the epoch of training, so what is fitted"
NOT_KNOWN = "It is not known whether the validation images also chose the epoch of training"


@pytest.fixture
def data(tiny_config: Config) -> RadiographSet:
    return load_radiographs(tiny_config.data)


def save_network(config: Config, metrics: dict[str, float]) -> None:
    save_checkpoint(checkpoint_path(config, SCHEME, "best"), untrained(config, metrics=metrics))


def decided(config: Config, data: RadiographSet) -> dict[str, Any]:
    folder = stages.evaluate_run(config, data, SCHEME).parent
    record: dict[str, Any] = read_json(folder / "decisions.json")
    return record


@pytest.mark.parametrize(
    ("epochs", "metrics", "told"),
    [
        (4, FIGURES, CHOSE),
        (1, FIGURES, None),  # nothing to choose among
        (4, {}, None),  # no val part chose while it was trained: the last epoch was kept
    ],
)
def test_whether_val_chose_the_epoch_is_told(
    tiny_config: Config, data: RadiographSet, epochs: int, metrics: dict[str, float], told: str | None
) -> None:
    config = tiny_config.with_overrides(f"training.epochs={epochs}", "training.warmup_epochs=0")
    save_network(config, metrics)
    stages.find_manifest(config, data, SCHEME).write(run_folder(config, SCHEME).manifest)
    record = decided(config, data)
    assert record["fitted"] is True
    assert record["chosen_on"] is None if told is None else record["chosen_on"].startswith(told)


def test_of_a_checkpoint_without_its_run_it_is_not_known_until_the_run_is_there(
    tiny_config: Config, data: RadiographSet
) -> None:
    save_network(tiny_config, FIGURES)
    assert decided(tiny_config, data)["chosen_on"].startswith(NOT_KNOWN)
    run: RunFolder = run_folder(tiny_config, SCHEME)
    stages.find_manifest(tiny_config, data, SCHEME).write(run.manifest)
    assert decided(tiny_config, data)["chosen_on"].startswith(CHOSE)


def test_the_division_is_read_and_checked_once(
    tiny_config: Config, data: RadiographSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_network(tiny_config, FIGURES)
    asked: list[str] = []
    find = stages.find_manifest

    def counting(config: Config, given: RadiographSet, scheme: str) -> Any:
        asked.append(scheme)
        return find(config, given, scheme)

    monkeypatch.setattr(stages, "find_manifest", counting)
    summary: Path = stages.evaluate_run(tiny_config, data, SCHEME)
    assert summary.is_file()
    assert asked == [SCHEME]
