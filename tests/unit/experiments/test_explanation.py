"""The stages of maps and of their proof, each made again only when something that it was made from has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import osteolens
from untrained import untrained

from osteolens.config import Config
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.evaluation.parts import IDENTITY
from osteolens.experiments.explanation import explain, prove
from osteolens.explain.proof import PROOF_FILES
from osteolens.models.checkpoint import checkpoint_path, save_checkpoint
from osteolens.storage import read_json

SCHEME = "case"


@pytest.fixture
def config(tiny_config: Config) -> Config:
    """An experiment whose network was never trained: nothing here depends on what it has learnt."""
    config = tiny_config.with_overrides("explanation.proof_images=2", "explanation.random_draws=1")
    save_checkpoint(checkpoint_path(config, SCHEME, "best"), untrained(config))
    return config


@pytest.fixture
def data(config: Config) -> RadiographSet:
    return load_radiographs(config.data)


def stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_the_proof_is_made_again_for_its_own_options_only(config: Config, data: RadiographSet) -> None:
    record = prove(config, data, SCHEME)
    folder = record.parent
    assert record.name == "sanity.json"
    assert set(stamps(folder)) == set(PROOF_FILES)
    assert read_json(record)["n"] == 2
    before = stamps(folder)
    prove(config.with_overrides("explanation.gallery_size=3"), data, SCHEME)
    assert stamps(folder) == before
    (folder / "sanity.svg").unlink()
    prove(config, data, SCHEME)
    assert (folder / "sanity.svg").is_file()
    prove(config.with_overrides("explanation.proof_images=3"), data, SCHEME)
    assert read_json(record)["n"] == 3


def test_the_verb_makes_maps_and_proof_of_the_same_answers(
    config: Config, data: RadiographSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(config.model_dump_json(), encoding="utf-8")  # JSON is YAML
    assert osteolens("gradcam", "--config", path, "--split", SCHEME, "--proof", "-q") == 0
    folder, proof = map(Path, capsys.readouterr().out.split())
    assert proof == folder / "sanity.json"
    assert read_json(proof)[IDENTITY] == read_json(folder / "annotation_report.json")[IDENTITY]
    before = stamps(folder)
    explain(config.with_overrides("explanation.proof_images=3"), data, SCHEME)
    assert stamps(folder) == before
