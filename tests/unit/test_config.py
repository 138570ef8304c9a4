from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from osteolens.config import Config, known_keys, load_config
from osteolens.domain import Preprocessing
from osteolens.errors import EXIT_USAGE, ConfigError

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def problems(path: Path | None = None, *overrides: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return caught.value.problems


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    return tmp_path / "options.yaml"


def test_the_defaults_are_the_recipe_of_the_specification() -> None:
    config = Config()
    assert config.seed == 42
    assert config.class_names == ("Normal", "Benign", "Malignant")
    assert config.model.backbone == "efficientnet_b0"
    assert (config.training.learning_rate, config.training.weight_decay) == (3e-4, 1e-4)
    assert (config.training.warmup_epochs, config.training.early_stopping_patience) == (3, 15)
    assert (config.training.dim_factor, config.evaluation.bootstrap_resamples) == (0.5, 1000)
    assert config.data.split_fractions == (0.70, 0.15, 0.15)


def test_every_key_is_described() -> None:
    keys = dict(known_keys())
    assert {"seed", "model.attn_layer", "data.annotations_dir", "paths.checkpoints_dir"} <= set(keys)
    assert all(keys.values())


def test_overrides_are_read_as_yaml() -> None:
    config = load_config(
        None,
        [
            "training.learning_rate=3e-4",
            "training.weight_decay=1.5e-2",
            "training.epochs=7",
            "model.attn_layer=cbam",
            "model.weights=null",
            "deterministic=false",
            "data.split_fractions=[0.8, 0.1, 0.1]",
            "data.split_schemes=[case]",
            "data.split_files.mine=parts/mine.csv",
            "training.split_strategy=mine",
        ],
    )
    assert config.training.learning_rate == 3e-4
    assert config.training.weight_decay == 0.015
    assert config.training.epochs == 7
    assert config.model.attn_layer == "cbam"
    assert config.model.weights is None
    assert config.deterministic is False
    assert config.data.split_fractions == (0.8, 0.1, 0.1)
    assert config.data.split_files == {"mine": "parts/mine.csv"}


def test_an_override_wins_over_the_file(config_file: Path) -> None:
    config_file.write_text("training: {epochs: 5, batch_size: 4}\n")
    config = load_config(config_file, ["training.epochs=6"])
    assert (config.training.epochs, config.training.batch_size) == (6, 4)


def test_null_takes_a_value_of_the_file_back(config_file: Path) -> None:
    config_file.write_text("model: {attn_layer: cbam}\n")
    assert load_config(config_file, ["model.attn_layer=null"]).model.attn_layer is None


def test_an_override_may_fill_a_section_that_the_file_leaves_empty(config_file: Path) -> None:
    config_file.write_text("training:\n")
    assert load_config(config_file, ["training.epochs=3"]).training.epochs == 3


def test_every_problem_of_file_and_overrides_is_told_at_once(config_file: Path) -> None:
    config_file.write_text(
        "experiment: a b\n"
        "training: {epochs: 0, learning_rat: 1}\n"
        "model: {dropout: 2}\n"
        "data: {split_fractions: [0.5, 0.5, 0.5]}\n"
    )
    told = problems(config_file, "training.batch_size=0", "novalue", "=3", "model.backbon=x", "data.root=[1")
    expected = (
        "experiment = 'a b'",
        "training.epochs = 0",
        "did you mean training.learning_rate?",
        "model.dropout = 2",
        "split_fractions must be above 0 and sum to 1",
        "training.batch_size = 0",
        "'novalue' must look like section.key=value",
        "'=3' must look like section.key=value",
        "did you mean model.backbone?",
        "'data.root=[1': the value is not valid YAML",
    )
    for words in expected:
        assert sum(words in sentence for sentence in told) == 1, words
    assert len(told) == len(expected)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("training.epoch", "training.epochs"),
        ("training.learning_rat", "training.learning_rate"),
        ("trainig", "training"),
        ("backbone", "model.backbone"),
        ("model.epochs", "training.epochs"),
        ("data.dropout", "model.dropout"),
        ("data.batch_size", "training.batch_size"),
        ("training.seed", "seed"),
        ("evaluation.gallery_size", "explanation.gallery_size"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(key: str, nearest: str) -> None:
    (sentence,) = problems(None, f"{key}=1")
    assert f"unknown key {key}; did you mean {nearest}?" in sentence


def test_a_key_like_no_other_is_answered_with_the_sections() -> None:
    (sentence,) = problems(None, "zzz=1")
    assert "the sections are" in sentence
    assert "training" in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "not a readable YAML file"),
        ("\t a: 1", "not a readable YAML file"),
        ("!!python/object/apply:os.getcwd []", "not a readable YAML file"),
        ("- training", "not a list"),
        ("5", "not a int"),
        ("1: 2", "Keys should be strings"),
        ("training: 5", "training = 5"),
        ("training: {learning_rate: .nan}", "finite"),
        ("training: {learning_rate: .inf}", "finite"),
        ("class_names: [a, a]", "two different names"),
        ("training: {split_strategy: nope}", "unknown split scheme(s) nope"),
        ("model: {pretrained: true, weights: w.pth}", "exclude each other"),
        ("experiment: ../other", "experiment"),
    ],
)
def test_a_wrong_file_is_told_in_a_sentence_that_names_it(config_file: Path, text: str, words: str) -> None:
    config_file.write_text(text)
    (sentence,) = problems(config_file)
    assert words in sentence
    assert config_file.name in sentence


@pytest.mark.parametrize("key", ["training.epochs", "training.learning_rate", "training.threads", "seed"])
def test_true_is_not_read_as_the_number_one(key: str) -> None:
    (sentence,) = problems(None, f"{key}=true")
    assert f"{key} = True: true and false are no answer here" in sentence


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert "does not exist" in problems(tmp_path / "none.yaml")[0]
    assert "readable" in problems(tmp_path)[0]
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert "readable" in problems(tmp_path / "binary.yaml")[0]


def test_configuration_errors_are_wrong_usage() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, ["zzz=1"])
    assert caught.value.exit_code == EXIT_USAGE == 2


def test_an_empty_file_means_the_defaults(config_file: Path) -> None:
    config_file.write_text("# nothing yet\n")
    assert load_config(config_file) == Config()


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


def test_parts_without_a_lesion_need_a_zoom_and_a_class_for_them() -> None:
    with pytest.raises(ConfigError, match="set zoom_in above 0"):
        load_config(None, ["augmentation.lesion_free=0.2"])
    with pytest.raises(ConfigError, match="needs a class named Normal"):
        load_config(
            None, ["augmentation.lesion_free=0.2", "augmentation.zoom_in=1", "class_names=[healthy, Benign, Malignant]"]
        )
