from __future__ import annotations

from pathlib import Path

import pytest

from osteolens.config import Config, known_keys, load_config
from osteolens.errors import EXIT_USAGE, ConfigError


def problems(path: Path | None = None, *overrides: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return caught.value.problems


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


@pytest.mark.parametrize("key", ["model.mean", "model.std", "data.split_fractions"])
def test_true_is_not_read_as_a_number_in_a_list_either(key: str) -> None:
    (sentence,) = problems(None, f"{key}=[true, 0.5, 0.5]")
    assert f"{key} = [True, 0.5, 0.5]: true and false are no answer here" in sentence


def test_mean_and_deviation_are_those_of_grey_values_between_0_and_1() -> None:
    told = problems(None, "model.mean=[123.7, -0.1, 0.5]", "model.std=[58.4, 0, 1]")
    assert [sentence.split(": ")[1] for sentence in told] == [
        "model.mean.0 = 123.7",
        "model.mean.1 = -0.1",
        "model.std.0 = 58.4",
        "model.std.1 = 0",
    ]


@pytest.mark.parametrize("key", ["model.backbone", "training.epochs", "experiment", "training"])
def test_a_key_without_a_value_is_told(key: str) -> None:
    (sentence,) = problems(None, f"{key}=")
    assert sentence.startswith(f"--override: {key} has no value: Input should be a valid ")
    assert sentence.endswith("Give one, or leave the key out for its default.")


def test_a_known_key_of_a_section_that_is_none_is_not_called_unknown(config_file: Path) -> None:
    config_file.write_text("training: 5\n")
    (sentence,) = problems(config_file, "training.epochs=3")
    assert sentence.startswith(f"{config_file}: training = 5: ")
    assert (
        "unknown key training.epochs.x; did you mean" in problems(None, "training.epochs=3", "training.epochs.x=3")[0]
    )


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


def test_a_problem_that_came_with_an_override_is_blamed_on_it(config_file: Path) -> None:
    config_file.write_text("training: {epochs: 0, batch_size: 4}\nmodel: {dropout: 2}\n")
    assert problems(config_file, "training.epochs=-1", "trainig.epochs=1", "data.mean=1", "model={dropout: 3}") == (
        "--override: unknown key data.mean; did you mean model.mean?",
        "--override: model.dropout = 3: Input should be less than 1.",
        "--override: training.epochs = -1: Input should be greater than or equal to 1.",
        "--override: unknown key trainig; did you mean training?",
    )
    assert problems(config_file, "training.epochs=5", "data.split_fractions=[0.8, x, 0.1]") == (
        "--override: data.split_fractions.1 = 'x': Input should be a valid number, unable to parse string as a number.",
        f"{config_file}: model.dropout = 2: Input should be less than 1.",
    )


def test_what_is_wrong_in_file_and_override_alike_is_blamed_on_the_override_which_wins(config_file: Path) -> None:
    config_file.write_text("training: {epochs: 0}\n")
    assert problems(config_file, "training.epochs=0") == (
        "--override: training.epochs = 0: Input should be greater than or equal to 1.",
    )


def test_a_rule_across_keys_is_blamed_on_what_broke_it(config_file: Path) -> None:
    rule = (
        "training: training.batch_size = 9 cannot be shared out equally among training.devices = 2: choose a multiple."
    )
    config_file.write_text("training: {batch_size: 9}\n")
    assert problems(config_file, "training.devices=2") == (f"--override: {rule}",)
    config_file.write_text("training: {batch_size: 9, devices: 2}\n")
    assert problems(config_file, "seed=1") == (f"{config_file}: {rule}",)
    assert load_config(config_file, ["training.batch_size=8"]).training.batch_size == 8


def test_a_key_that_stands_twice_is_told_with_both_lines_and_the_other_problems(config_file: Path) -> None:
    config_file.write_text(
        "training:\n"
        "  epochs: 5\n"
        "  batch_size: 4\n"
        "  'epochs': 6\n"
        "model: {dropout: 0.1, dropout: 2}\n"
        "# the second heading\n"
        "training:\n"
        "  devices: 2\n"
    )
    assert problems(config_file, "seed=-1") == (
        f"{config_file}: training stands in line 1 and again in line 7; keep one of them.",
        f"{config_file}: training.epochs stands in line 2 and again in line 4; keep one of them.",
        f"{config_file}: model.dropout stands in line 5 and again in line 5; keep one of them.",
        "--override: seed = -1: Input should be greater than or equal to 0.",
        f"{config_file}: model.dropout = 2: Input should be less than 1.",
    )


def test_a_value_with_and_without_quotes_is_one_key_of_the_table(config_file: Path) -> None:
    config_file.write_text("data:\n  label_values:\n    0: Normal\n    1: Benign\n    '0': Malignant\n")
    assert problems(config_file) == (
        f"{config_file}: data.label_values.0 stands in line 3 and again in line 5; keep one of them.",
    )


def test_a_key_that_stands_twice_in_an_override_is_told() -> None:
    override = "training={epochs: 3, epochs: 4}"
    assert problems(None, override) == (f"--override {override!r}: epochs stands twice; keep one.",)


def test_a_merged_section_may_be_overruled_key_by_key(config_file: Path) -> None:
    config_file.write_text("data: {label_values: {<<: {x: Normal, y: Benign}, x: Malignant}}\n")
    assert load_config(config_file).data.label_values == {"x": "Malignant", "y": "Benign"}
    config_file.write_text("data: {columns: &c {case_id: patient}, split_files: {<<: *c, case_id: b.csv}}\n")
    assert load_config(config_file).data.split_files == {"case_id": "b.csv"}


def test_a_section_that_leads_back_to_itself_is_refused(config_file: Path) -> None:
    config_file.write_text("data: &data\n  again: *data\n")
    (sentence,) = problems(config_file)
    assert sentence.startswith(f"{config_file}: unknown key data.again; ")


def test_a_date_that_no_calendar_has_is_told(config_file: Path) -> None:
    assert problems(None, "experiment=2024-02-30") == (
        "--override 'experiment=2024-02-30': the value is not valid YAML.",
    )
    config_file.write_text("experiment: 2024-02-30\n")
    (sentence,) = problems(config_file)
    assert sentence.startswith(f"{config_file} is not a readable YAML file: day is out of range")
