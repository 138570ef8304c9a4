from __future__ import annotations

from pathlib import Path

import pytest

from osteolens.config import Config
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.data.splits import make_split
from osteolens.models.checkpoint import Checkpoint
from osteolens.training.identity import differences, ingredients


@pytest.fixture
def data(tiny_config: Config) -> RadiographSet:
    return load_radiographs(tiny_config.data)


@pytest.fixture
def manifest(tiny_config: Config, data: RadiographSet) -> Manifest:
    return make_split(data, "case", tiny_config)


def _checkpoint(config: Config, data: RadiographSet, manifest: Manifest) -> Checkpoint:
    return Checkpoint.of(
        config,
        {},
        epoch=1,
        metrics={},
        class_weights=[],
        provenance=dict(ingredients(config, data, manifest)),
    )


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], ""),
        (["training.epochs=3"], "training.epochs was 4 and is 3"),
        (
            ["data.image_size=48", "model.dropout=0.5"],
            "model.dropout was 0.2 and is 0.5, data.image_size was 32 and is 48",
        ),
        (["training.early_stopping_patience=3"], "training.early_stopping_patience was 15 and is 3"),
        (["evaluation.flip_averaging=false"], "evaluation.flip_averaging was True and is False"),
        (["training.devices=2", "training.workers=1", "training.threads=1", "training.compile=true"], ""),
        (["training.tracking=tensorboard", "training.accelerator=auto", "inference.batch_size=7"], ""),
    ],
)
def test_options_that_decide_the_result_are_named(
    tiny_config: Config, data: RadiographSet, manifest: Manifest, overrides: list[str], expected: str
) -> None:
    changed = tiny_config.with_overrides(*overrides)
    checkpoint = _checkpoint(tiny_config, data, manifest)
    assert differences(checkpoint, changed, ingredients(changed, data, manifest)) == expected


def test_options_that_came_later_change_nothing_by_their_defaults(
    tiny_config: Config, data: RadiographSet, manifest: Manifest
) -> None:
    checkpoint = _checkpoint(tiny_config, data, manifest)
    del checkpoint.config["training"]["guidance_weight"]
    assert differences(checkpoint, tiny_config, ingredients(tiny_config, data, manifest)) == ""
    guided = tiny_config.with_overrides("training.guidance_weight=0.5")
    told = differences(checkpoint, guided, ingredients(guided, data, manifest))
    assert "training.guidance_weight was 0.0 and is 0.5" in told


def test_a_weights_file_counts_by_its_content(
    tiny_config: Config, data: RadiographSet, manifest: Manifest, tmp_path: Path
) -> None:
    first, copied, other = (tmp_path / name for name in ("first.pth", "copied.pth", "other.pth"))
    for path, content in ((first, b"a"), (copied, b"a"), (other, b"b")):
        path.write_bytes(content)
    with_first = tiny_config.with_overrides(f"model.weights={first}")
    checkpoint = _checkpoint(with_first, data, manifest)
    told = []
    for path in (copied, other):
        config = tiny_config.with_overrides(f"model.weights={path}")
        told.append(differences(checkpoint, config, ingredients(config, data, manifest)))
    assert told[0] == ""
    assert told[1].startswith("the hash of the weights was ca978112ca1b")  # SHA-256 of "a"


def test_another_division_is_another_run(tiny_config: Config, data: RadiographSet, manifest: Manifest) -> None:
    checkpoint = _checkpoint(tiny_config, data, manifest)
    swapped = manifest.frame["split"].map({"train": "train", "val": "test", "test": "val"})
    used = ingredients(tiny_config, data, Manifest(manifest.frame.assign(split=swapped)))
    assert differences(checkpoint, tiny_config, used).startswith("the hash of the division was ")


def test_sources_count_where_they_decide_what_is_drawn(
    tiny_config: Config, data: RadiographSet, manifest: Manifest
) -> None:
    other = Manifest(manifest.frame.assign(source="elsewhere"))
    assert ingredients(tiny_config, data, manifest) == ingredients(tiny_config, data, other)
    balanced = tiny_config.with_overrides("training.sampling=class_source")
    told = differences(_checkpoint(balanced, data, manifest), balanced, ingredients(balanced, data, other))
    assert told.startswith("the hash of the division was ")
