from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from osteolens.config import Config
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.errors import TrainingError
from osteolens.models.checkpoint import load_checkpoint
from osteolens.training.data import build_training_data
from osteolens.training.run import train


@pytest.mark.slow
def test_class_weights_count_the_dimmed_copies(tiny_config: Config) -> None:
    config = tiny_config.with_overrides(
        "training.annotations=true", "training.epochs=1", "training.split_strategy=case"
    )
    data = load_radiographs(config.data)
    manifest = make_split(data, "case", config)
    labels = manifest.part("train")["label"]
    enlarged = [*labels, *labels[labels != "Normal"]]  # every tumour image of the phantom is outlined, no normal is
    expected = compute_class_weight("balanced", classes=np.array(config.class_names), y=enlarged)
    np.testing.assert_allclose(load_checkpoint(train(config, data, manifest)).class_weights, expected, rtol=1e-6)


def test_boxes_are_taken_from_the_annotations_only_where_a_switch_needs_them(tiny_config: Config) -> None:
    data = load_radiographs(tiny_config.data)
    manifest = make_split(data, "case", tiny_config)
    tumours = np.flatnonzero((manifest.part("train")["label"] != "Normal").to_numpy()).tolist()
    assert not build_training_data(data, manifest, tiny_config).dataset.lesion_boxes
    for switch in ("augmentation.zoom_in=0.3", "augmentation.erase=0.5"):
        boxes = build_training_data(data, manifest, tiny_config.with_overrides(switch)).dataset.lesion_boxes
        assert sorted(boxes) == tumours
        for box, _ in boxes.values():
            assert 0 <= box.left < box.right <= round(32 * 1.6)
            assert 0 <= box.top < box.bottom <= round(32 * 1.6)


@pytest.mark.slow
def test_other_annotations_make_another_run_where_a_switch_reads_them(tiny_config: Config) -> None:
    config = tiny_config.with_overrides("augmentation.zoom_in=0.3", "training.epochs=1", "training.split_strategy=case")
    data = load_radiographs(config.data)
    manifest = make_split(data, "case", config)
    train(config, data, manifest)
    without = config.with_overrides("data.annotations_dir=nowhere")
    with pytest.raises(TrainingError, match="other options or other data"):
        train(without, load_radiographs(without.data), manifest)
