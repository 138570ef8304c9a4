from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from osteolens.config import Config, known_keys, load_config
from osteolens.domain import Preprocessing
from osteolens.errors import ConfigError

CONFIGS = Path(__file__).resolve().parents[3] / "configs"


def test_the_defaults_are_the_recipe_of_the_specification() -> None:
    config = Config()
    assert config.seed == 42
    assert config.class_names == ("Normal", "Benign", "Malignant")
    assert config.model.backbone == "efficientnet_b0"
    assert (config.training.learning_rate, config.training.weight_decay) == (3e-4, 1e-4)
    assert (config.training.warmup_epochs, config.training.early_stopping_patience) == (3, 15)
    assert (config.training.dim_factor, config.evaluation.bootstrap_resamples) == (0.5, 1000)
    assert config.data.split_fractions == (0.70, 0.15, 0.15)


def test_yaml_round_trip(config_file: Path) -> None:
    config = load_config(
        None, ["experiment=E1", "model.weights=w.safetensors", "data.clahe=true", "data.split_files={a: b.csv}"]
    )
    assert load_config(config.save(config_file)) == config
    assert list(yaml.safe_load(config.to_yaml()))[:2] == ["experiment", "seed"]


def test_the_fingerprint_changes_when_and_only_when_a_value_changes(config_file: Path) -> None:
    config_file.write_text("training: {batch_size: 32, epochs: 50}\nseed: 42\n")  # the defaults, in another order
    default = Config().fingerprint()
    assert load_config(config_file).fingerprint() == default
    seen = {
        load_config(None, [change]).fingerprint()
        for change in ("training.epochs=51", "seed=43", "data.clahe=true", "model.weights=w.pth", "experiment=x")
    }
    assert len(seen - {default}) == 5


def test_the_fingerprint_of_a_section_ignores_the_others() -> None:
    config, other = Config(), load_config(None, ["training.epochs=51"])
    assert config.fingerprint("data", "model") == other.fingerprint("data", "model")
    assert config.fingerprint("training") != other.fingerprint("training")


def test_overrides_of_a_configuration_are_checked_as_well() -> None:
    config = load_config(None, ["experiment=mine"]).with_overrides("training.epochs=9")
    assert (config.experiment, config.training.epochs) == ("mine", 9)
    with pytest.raises(ConfigError, match="exclude each other"):
        config.with_overrides("model.weights=w.pth", "model.pretrained=true")


def test_options_cannot_be_changed_behind_the_checks() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().training.epochs = 3  # type: ignore[misc]


def test_the_preprocessing_record_comes_from_data_and_model() -> None:
    config = load_config(
        None, ["data.image_size=160", "data.resize=stretch", "model.mean=[0.5, 0.5, 0.5]", "data.clahe=true"]
    )
    assert config.preprocessing() == Preprocessing(
        160, resize="stretch", mean=(0.5, 0.5, 0.5), clahe=True, supersampling=1.6
    )


def test_a_base_picture_that_is_too_large_is_told_when_the_configuration_is_read() -> None:
    with pytest.raises(ConfigError, match=r"image_size 2048 times supersampling 3 gives .* of 6144 pixels") as caught:
        load_config(None, ["data.image_size=2048", "data.supersampling=3", "training.epochs=0"])
    assert len(caught.value.problems) == 2
    assert load_config(None, ["data.image_size=1536"]).preprocessing().base.size == 2458


def test_manifests_lie_with_the_results_unless_told_otherwise() -> None:
    assert Config().splits_dir == Path("results/default/splits")
    assert load_config(None, ["paths.splits_dir=parts"]).splits_dir == Path("parts")


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_loads(path: Path) -> None:
    load_config(path)


def _dotted(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, content in values.items():
        if isinstance(content, dict) and content:
            yield from _dotted(content, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_the_default_file_holds_every_key_with_its_built_in_default() -> None:
    values: dict[str, Any] = yaml.safe_load((CONFIGS / "default.yaml").read_text(encoding="utf-8"))
    assert set(_dotted(values)) == {key for key, _ in known_keys()}
    assert load_config(CONFIGS / "default.yaml") == Config()


def test_epochs_of_freezing_need_something_to_freeze() -> None:
    with pytest.raises(ConfigError, match=r"training\.freeze_epochs = 2, but training\.freeze is 0"):
        load_config(None, ["training.freeze_epochs=2"])
    assert load_config(None, ["training.freeze_epochs=2", "training.freeze=0.1"]).training.freeze_epochs == 2


def test_descriptions_in_the_default_file_are_those_of_the_options() -> None:
    told = []
    for line in (CONFIGS / "default.yaml").read_text(encoding="utf-8").splitlines():
        _, apart, description = line.partition("  # ")
        if apart:
            told.append((line.partition(":")[0].strip(), description))
    assert told == [(key.rpartition(".")[2], description) for key, description in known_keys()]


def test_parts_without_a_lesion_need_a_zoom_and_a_class_for_them() -> None:
    with pytest.raises(ConfigError, match="set zoom_in above 0"):
        load_config(None, ["augmentation.lesion_free=0.2"])
    with pytest.raises(ConfigError, match="needs a class named Normal"):
        load_config(
            None, ["augmentation.lesion_free=0.2", "augmentation.zoom_in=1", "class_names=[healthy, Benign, Malignant]"]
        )
