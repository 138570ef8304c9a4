from __future__ import annotations

import pandas as pd
import pytest

from osteolens.config import Config
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.errors import DataError
from osteolens.training.data import build_training_data, class_indices


def test_class_indices_and_strangers() -> None:
    labels = pd.Series(["b", "a", "b"])
    assert class_indices(labels, ("a", "b")).tolist() == [1, 0, 1]
    with pytest.raises(DataError, match=r"class\(es\) b; class_names are a, c\. Set class_names to the classes"):
        class_indices(labels, ("a", "c"))


def test_annotated_copies_enlarge_the_training_part(tiny_config: Config) -> None:
    data = load_radiographs(tiny_config.data)
    manifest = make_split(data, "case", tiny_config)
    train = manifest.part("train")
    plain = build_training_data(data, manifest, tiny_config)
    dimmed = build_training_data(data, manifest, tiny_config.with_overrides("training.annotations=true"))
    tumours = int((train["label"] != "Normal").sum())  # every tumour image of the phantom is annotated, no normal is
    assert len(plain.dataset) == len(train)
    assert len(dimmed.dataset) == len(train) + tumours
    assert dimmed.dataset.labels.count(0) == plain.dataset.labels.count(0)
    ids = train["image_id"].tolist()
    copied = [name for name, label in zip(ids, train["label"], strict=True) if label != "Normal"]
    assert dimmed.image_ids == [*ids, *(f"{name} (dimmed)" for name in copied)]


def test_a_batch_is_named_with_its_dimmed_copies(tiny_config: Config) -> None:
    data = load_radiographs(tiny_config.data)
    config = tiny_config.with_overrides("training.annotations=true")
    parts = build_training_data(data, make_split(data, "case", config), config)
    parts.set_epoch(1)
    for number, batch in enumerate(parts.loader):
        assert parts.names(number) == [parts.image_ids[row] for row in batch["index"].tolist()]
    assert any(name.endswith("(dimmed)") for number in range(len(parts.loader)) for name in parts.names(number))


def test_balanced_sampling_counts_copies_as_their_pictures(tiny_config: Config) -> None:
    data = load_radiographs(tiny_config.data)
    config = tiny_config.with_overrides(
        "training.annotations=true", "training.sampling=class_source", "training.sampling_power=1"
    )
    manifest = make_split(data, "case", config)
    parts = build_training_data(data, manifest, config)
    train = manifest.part("train")
    tumours = train[train["label"] != "Normal"]
    samples = pd.concat([train, tumours]).reset_index(drop=True)  # every tumour image of the phantom has its copy
    weights = pd.Series(parts.batches.weights)
    assert weights.groupby(samples["label"]).sum().tolist() == pytest.approx([1 / 3] * 3)
    cells = weights.groupby([samples["label"], samples["source"]]).sum()
    for label in samples["label"].unique():
        sources = samples.loc[samples["label"] == label, "source"].nunique()
        assert sources > 1
        assert cells[label].tolist() == pytest.approx([1 / 3 / sources] * sources)


@pytest.mark.parametrize(
    ("overrides", "warning"),
    [
        (["training.sampling=class"], "both balance the classes, so rare ones count twice"),
        (["training.sampling=class", "training.class_weighting=none"], None),
        (["training.sampling=shuffle"], None),
    ],
)
def test_balancing_twice_is_warned_of(
    tiny_config: Config, overrides: list[str], warning: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    config = tiny_config.with_overrides(*overrides)
    data = load_radiographs(config.data)
    build_training_data(data, make_split(data, "case", config), config)
    assert (warning in caplog.text) if warning else not caplog.records


def test_sources_that_nobody_knows_are_warned_of(tiny_config: Config, caplog: pytest.LogCaptureFixture) -> None:
    config = tiny_config.with_overrides("training.sampling=class_source", "training.class_weighting=none")
    data = load_radiographs(config.data)
    manifest = make_split(data, "case", config)
    build_training_data(data, Manifest(manifest.frame.assign(source="")), config)
    assert "only one source is known: the classes alone are balanced" in caplog.text


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.annotations=true"],
        ["training.guidance_weight=0.2"],
        ["augmentation.zoom_in=1", "augmentation.lesion_free=0.5"],
    ],
)
def test_annotations_that_are_not_there_are_missed(tiny_config: Config, overrides: list[str]) -> None:
    config = tiny_config.with_overrides(*overrides, "data.annotations_dir=nowhere")
    data = load_radiographs(config.data)
    option = overrides[-1].partition("=")[0]
    with pytest.raises(DataError, match=f"{option} is .*, but no training image has a file in .*nowhere"):
        build_training_data(data, make_split(data, "case", config), config)


@pytest.mark.parametrize("switch", ["augmentation.zoom_in=0.3", "augmentation.erase=0.5"])
def test_changes_that_cannot_heed_lesions_say_so(
    tiny_config: Config, switch: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = tiny_config.with_overrides(switch, "data.annotations_dir=nowhere")
    data = load_radiographs(config.data)
    with caplog.at_level("INFO", logger="osteolens"):
        build_training_data(data, make_split(data, "case", config), config)
    assert "augmentation.zoom_in and erase work without regard to lesions" in caplog.text


def test_a_split_without_test_part_has_no_validation(tiny_config: Config) -> None:
    data = load_radiographs(tiny_config.data)
    manifest = make_split(data, "case", tiny_config)
    frame = manifest.frame.assign(split=manifest.frame["split"].replace("test", "val"))
    assert build_training_data(data, type(manifest)(frame), tiny_config).validation is None
