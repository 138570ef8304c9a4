from __future__ import annotations

import re

import pytest
from damage import damaged

from osteolens.errors import DataError
from osteolens.reporting.run_results import read_run
from osteolens.storage import RunFolder, read_json, read_table, write_json, write_table


def test_every_record_is_read(complete_run: RunFolder) -> None:
    run = read_run(complete_run)
    assert run.honesty["scores"]["n"] == run.decisions["test"]["n"] == run.summary["n"] == 54
    assert run.robustness is not None
    assert list(run.robustness["corruptions"]) == ["blur"]
    assert run.figures["roc_curves"].startswith(b"<?xml")
    assert run.figures["corruption_curves"].startswith(b"\x89PNG")
    assert run.leaks
    assert run.kind == "leaking"
    assert run.compared.label == "tiny, stratified"


def test_a_drawing_of_the_corruptions_is_preferred(changeable_run: RunFolder) -> None:
    (changeable_run.robustness / "corruption_curves.svg").write_bytes(b"<svg/>")
    assert read_run(changeable_run).figures["corruption_curves"] == b"<svg/>"


def test_corruptions_need_not_be_measured(changeable_run: RunFolder) -> None:
    (changeable_run.robustness / "corruption.json").unlink()
    run = read_run(changeable_run)
    assert run.robustness is None
    assert "corruption_curves" not in run.figures


@pytest.mark.parametrize(
    ("missing", "verb"),
    [
        ("config.yaml", "train"),
        ("manifest.csv", "train"),
        ("predictions.csv", "predict"),
        ("leakage.json", "train"),
        ("provenance.json", "train"),
        ("training_log.csv", "train"),
        ("training_curves.png", "train"),
        ("evaluation/metrics_summary.json", "eval"),
        ("evaluation/honesty.json", "eval"),
        ("evaluation/decisions.json", "eval"),
        ("evaluation/case_answers.json", "eval"),
        ("evaluation/roc_curves.svg", "eval"),
        ("evaluation/reliability.svg", "eval"),
        ("robustness/corruption_curves.png", "robustness"),
        ("gradcam/gallery_Benign.png", "gradcam"),
        ("gradcam/annotation_comparison.png", "gradcam"),
        ("gradcam/annotation_report.json", "gradcam"),
        ("gradcam/sanity.svg", "gradcam --proof"),
    ],
)
def test_missing_file_is_named_with_its_verb(changeable_run: RunFolder, missing: str, verb: str) -> None:
    (changeable_run.root / missing).unlink()
    with pytest.raises(DataError, match=rf"{re.escape(missing)} is missing; osteolens {verb} makes it"):
        read_run(changeable_run)


def exchanged(run: RunFolder, part: str) -> None:
    """Put other answers for the same images in the place of a part's: Normal and Benign exchanged."""
    table = read_table(run.predictions)
    rows = table["split"] == part
    table.loc[rows, ["prob_Normal", "prob_Benign"]] = table.loc[rows, ["prob_Benign", "prob_Normal"]].to_numpy()
    write_table(run.predictions, table.drop(columns="predicted"))


@pytest.mark.parametrize(("part", "file"), [("test", "metrics_summary.json"), ("val", "decisions.json")])
def test_other_answers_for_the_same_images_are_noticed(changeable_run: RunFolder, part: str, file: str) -> None:
    exchanged(changeable_run, part)
    with pytest.raises(DataError, match=rf"{file} is not of the answers in .*predictions\.csv. Run osteolens eval"):
        read_run(changeable_run)


@pytest.mark.parametrize(
    ("file", "verb"),
    [
        ("evaluation/metrics_summary.json", "eval"),
        ("evaluation/honesty.json", "eval"),
        ("evaluation/decisions.json", "eval"),
        ("evaluation/case_answers.json", "eval"),
        ("robustness/corruption.json", "robustness"),
        ("gradcam/annotation_report.json", "gradcam"),
        ("gradcam/sanity.json", "gradcam --proof"),
    ],
)
def test_records_of_other_answers_are_refused(changeable_run: RunFolder, file: str, verb: str) -> None:
    path = changeable_run.root / file
    write_json(path, read_json(path) | {"predictions_sha256": "0" * 64})
    with pytest.raises(DataError, match=rf"{re.escape(file)} is not of the answers in .*Run osteolens {verb} again"):
        read_run(changeable_run)
    write_json(path, {key: value for key, value in read_json(path).items() if key != "predictions_sha256"})
    with pytest.raises(DataError, match=rf"{re.escape(file)} lacks predictions_sha256. Run osteolens {verb} again"):
        read_run(changeable_run)


def test_files_of_different_states_are_refused(changeable_run: RunFolder) -> None:
    leakage = read_json(changeable_run.leakage)
    leakage["evaluation"]["test"]["overall"]["n"] = 9
    write_json(changeable_run.leakage, leakage)
    with pytest.raises(DataError, match="do not belong together: the predictions are of 54 test images"):
        read_run(changeable_run)
    write_json(changeable_run.leakage, ["not", "a", "record"])
    with pytest.raises(DataError, match=r"leakage\.json holds no record. Run osteolens train again"):
        read_run(changeable_run)
    write_json(changeable_run.leakage, {"evaluation": {}})
    with pytest.raises(DataError, match=r"leakage\.json lacks sentence"):
        read_run(changeable_run)


def test_an_older_record_names_what_it_lacks(changeable_run: RunFolder) -> None:
    path = changeable_run.evaluation / "decisions.json"
    record = read_json(path)
    del record["selective"]
    write_json(path, record)
    with pytest.raises(DataError, match=r"decisions\.json lacks selective. Run osteolens eval again"):
        read_run(changeable_run)


MALIGNANT_POINT = ("operating_points", "questions", "Malignant against the rest", "high_sensitivity")


@pytest.mark.parametrize(
    ("file", "place", "told"),
    [
        ("honesty", ("scores", "accuracy", "low"), "lacks scores.accuracy.low"),
        ("honesty", ("scores", "sensitivity", "Malignant"), "is damaged at scores.sensitivity: lacks Malignant"),
        ("honesty", ("blind", "source", "advantage", "accuracy"), "lacks blind.source.advantage.accuracy"),
        ("honesty", ("siblings", "with_sibling", "per_source_n"), "lacks siblings.with_sibling.per_source_n"),
        ("honesty", ("within_sources", "source_alone", "pairs"), "lacks within_sources.source_alone.pairs"),
        ("honesty", ("subgroups", "worst", "macro_auc"), "lacks subgroups.worst.macro_auc"),
        ("decisions", ("calibration", "temperature", "test", "ece", "by_chance"), "lacks calibration.temperature.test"),
        ("decisions", (*MALIGNANT_POINT, "test", "specificity"), "lacks operating_points.questions.Malignant against"),
        ("decisions", ("conformal", "sets", "cutoffs", 2), "conformal.sets.cutoffs: holds 2 entries for 3 classes"),
        ("metrics_summary", ("per_class", "Benign", "auc"), "is damaged at per_class.Benign: lacks auc"),
        ("metrics_summary", ("overall", "mcc", "value"), "lacks overall.mcc.value"),
        ("metrics_summary", ("confusion_matrix", 0, 0), "confusion_matrix.0: holds 2 entries for 3 classes"),
    ],
)
def test_what_a_record_lacks_within_is_named(
    changeable_run: RunFolder, file: str, place: tuple[str | int, ...], told: str
) -> None:
    path = changeable_run.evaluation / f"{file}.json"
    damaged(path, place, None)
    with pytest.raises(DataError, match=rf"{file}\.json .*{re.escape(told)}.*Run osteolens eval again\."):
        read_run(changeable_run)


@pytest.mark.parametrize(
    ("file", "place", "value"),
    [
        ("honesty", ("scores", "accuracy"), "0.8"),
        ("honesty", ("scores", "accuracy", "value"), "0.8"),
        ("honesty", ("blind", "source"), 3),
        ("honesty", ("origins",), []),
        ("honesty", ("subgroups", "groupings", "sex", "F", "n"), "27"),
        ("decisions", ("calibration",), 1),
        ("decisions", ("selective", "curve", "risk"), "all"),
        ("decisions", ("validation",), "val"),
        ("metrics_summary", ("class_names",), 3),
        ("metrics_summary", ("confidence",), "95%"),
        ("metrics_summary", ("per_class", "Benign"), [1]),
    ],
)
def test_another_kind_of_value_within_a_record_is_refused(
    changeable_run: RunFolder, file: str, place: tuple[str | int, ...], value: object
) -> None:
    damaged(changeable_run.evaluation / f"{file}.json", place, value)
    where = re.escape(".".join(map(str, place)))
    with pytest.raises(DataError, match=rf"{file}\.json is damaged at {where}.*: .*Run osteolens eval again\."):
        read_run(changeable_run)


@pytest.mark.parametrize(
    ("file", "verb"), [("evaluation/honesty.json", "eval"), ("robustness/corruption.json", "robustness")]
)
def test_a_file_that_cannot_be_read_names_its_verb(changeable_run: RunFolder, file: str, verb: str) -> None:
    (changeable_run.root / file).write_text('{"n": ', encoding="utf-8")
    with pytest.raises(DataError, match=rf"{re.escape(file)} is not a readable JSON.*Run osteolens {verb} again\."):
        read_run(changeable_run)


FILL = ("deletion_insertion", "fills", "scrambled")


@pytest.mark.parametrize(
    ("file", "place", "value", "told"),
    [
        ("annotation_report", ("warnings",), None, "lacks warnings"),
        ("annotation_report", ("overall", "iou_0.5", "low"), None, "lacks overall.iou_0.5.low"),
        ("annotation_report", ("overall", "pointing_game"), None, "is damaged at overall: lacks pointing_game"),
        ("annotation_report", ("edge_density",), None, "lacks edge_density"),
        ("annotation_report", ("random_weights", "energy"), None, "is damaged at random_weights: lacks energy"),
        ("annotation_report", ("all_shapes", "energy"), 0.5, "is damaged at all_shapes: holds energy, which is not"),
        ("annotation_report", ("differences", "centre_prior"), None, "lacks differences.centre_prior"),
        ("annotation_report", ("per_class", "Benign", "iou_0.3"), None, "at per_class: Benign lacks iou_0.3"),
        ("annotation_report", ("per_source", "atlas", "cases"), "6", "is damaged at per_source.atlas.cases: "),
        (
            "annotation_report",
            ("per_class", "Benign", "baselines", "edge_density", "pointing_game"),
            None,
            "lacks per_class.Benign.baselines.edge_density.pointing_game",
        ),
        ("gallery_index", ("choice",), None, "lacks choice"),
        ("gallery_index", ("galleries", "Benign", "groups", "TP", "cases"), None, "lacks galleries.Benign.groups.TP"),
        ("sanity", ("n",), None, "lacks n"),
        ("sanity", ("randomisation", "steps"), [], "is damaged at randomisation.steps: "),
        ("sanity", ("randomisation", "steps", 1, "overlap"), None, "lacks randomisation.steps.1.overlap"),
        (
            "sanity",
            ("randomisation", "unrelated", "spearman", "value"),
            "0.1",
            "randomisation.unrelated.spearman.value",
        ),
        ("sanity", ("randomisation", "steps", 0, "of_draws", "spearman"), [], "of_draws.spearman: "),
        ("sanity", ("drawn", "Benign"), None, "is damaged at drawn: lacks Benign"),
        ("sanity", (*FILL, "fill"), 0, "is damaged at deletion_insertion.fills.scrambled.fill: "),
        ("sanity", (*FILL, "answer", "Normal"), None, "is damaged at deletion_insertion.fills.scrambled.answer: "),
        ("sanity", (*FILL, "deletion", "auc", "body"), None, "scrambled.deletion.auc.body"),
        (
            "sanity",
            (*FILL, "per_answered_class", "Normal", "insertion", "differences", "random"),
            None,
            "scrambled.per_answered_class.Normal.insertion.differences.random",
        ),
    ],
)
def test_damaged_records_on_maps_are_told_with_the_place(
    changeable_run: RunFolder, file: str, place: tuple[str | int, ...], value: object, told: str
) -> None:
    verb = "gradcam --proof" if file == "sanity" else "gradcam"
    damaged(changeable_run.explanation / f"{file}.json", place, value)
    with pytest.raises(DataError, match=rf"{file}\.json .*{re.escape(told)}.*Run osteolens {verb} again\."):
        read_run(changeable_run)
