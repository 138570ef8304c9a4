from __future__ import annotations

import pandas as pd
import pytest

from osteolens.config import Config
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.errors import DataError
from osteolens.training.data import EpochOrder, build_training_data, class_indices


def test_order_depends_on_seed_and_epoch_only() -> None:
    order = EpochOrder(50, seed=3)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    order.set_epoch(0)
    assert list(order) == first
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert list(EpochOrder(50, seed=4)) != first


def test_class_indices_and_strangers() -> None:
    labels = pd.Series(["b", "a", "b"])
    assert class_indices(labels, ("a", "b")).tolist() == [1, 0, 1]
    with pytest.raises(DataError, match=r"class\(es\) b; class_names are a, c"):
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


def test_annotations_that_are_not_there_are_missed(tiny_config: Config) -> None:
    config = tiny_config.with_overrides("training.annotations=true", "data.annotations_dir=nowhere")
    data = load_radiographs(config.data)
    with pytest.raises(DataError, match="no training image has a file"):
        build_training_data(data, make_split(data, "case", config), config)


def test_a_split_without_test_part_has_no_validation(tiny_config: Config) -> None:
    data = load_radiographs(tiny_config.data)
    manifest = make_split(data, "case", tiny_config)
    frame = manifest.frame.assign(split=manifest.frame["split"].replace("test", "val"))
    assert build_training_data(data, type(manifest)(frame), tiny_config).validation is None
