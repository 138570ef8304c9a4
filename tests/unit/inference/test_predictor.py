"""One predictor, of a checkpoint or an exported model, for files, DICOM files and arrays."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from dicom_files import file_bytes, radiograph
from exported import lively_checkpoint, run_of
from limbs import limb

from osteolens.config import ExplanationOptions, InferenceOptions
from osteolens.data.preprocessing import read_input, resize
from osteolens.errors import CheckpointError, ConfigError, DataError, GateError
from osteolens.explain.cam import class_maps
from osteolens.inference.decision_record import DecisionRecord
from osteolens.inference.export import export
from osteolens.inference.predictor import Predictor
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import load_checkpoint, save_checkpoint
from osteolens.storage import read_json


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the decisions of its run stored in it."""
    root = tmp_path_factory.mktemp("trained")
    made = lively_checkpoint(root / "best.pt")
    decisions = read_json(run_of(made, root / "run").evaluation / "decisions.json")
    stored = DecisionRecord.from_dict(decisions).to_dict()
    return save_checkpoint(made, dataclasses.replace(load_checkpoint(made), decisions=stored))


@pytest.fixture(scope="module", params=["torch", "onnxruntime"])
def either(request: pytest.FixtureRequest, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """The same network as a checkpoint and as an exported model."""
    if request.param == "torch":
        return Predictor.from_file(checkpoint, "cpu")
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export(TorchNetwork.from_checkpoint(checkpoint, "cpu"), path)
    return Predictor.from_file(path, options=InferenceOptions(threads=1))


@pytest.fixture
def knee(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "knee.png"), limb(200, 150, seed=4))
    return tmp_path / "knee.png"


def test_everything_is_answered_from_the_checkpoint_alone(either: Predictor, knee: Path) -> None:
    answer = either.answer(knee)
    assert answer.image == "knee.png"
    assert answer.decision is not None
    assert answer.decision.calibrated is not None
    assert answer.decision.calibrated != pytest.approx(answer.probabilities, abs=1e-3)
    assert answer.decision.conformal_set is not None
    assert len(answer.decision.calls) == 4
    assert answer.novelty is not None
    assert answer.accepted == ()
    assert either.network.uncalibrated is None


def test_the_distance_is_that_of_the_pooled_features(either: Predictor, checkpoint: Path, knee: Path) -> None:
    network = TorchNetwork.from_checkpoint(checkpoint, "cpu")
    (expected,) = network.judge(read_input(knee, network.record)[None]).novelty or ()
    novelty = either.answer(knee).novelty
    assert novelty is not None
    assert novelty.score == pytest.approx(expected.score, rel=1e-4)
    assert (novelty.threshold, novelty.is_novel) == (pytest.approx(expected.threshold), expected.is_novel)


def test_file_array_and_dicom_file_are_answered_alike(either: Predictor, knee: Path, tmp_path: Path) -> None:
    grey = limb(200, 150, seed=4)
    window = {"WindowCenter": 128, "WindowWidth": 256}  # each stored value is its own grey
    (tmp_path / "knee.dcm").write_bytes(file_bytes(radiograph(grey, **window)))
    answers = [either.answer(knee), either.answer(grey), either.answer(tmp_path / "knee.dcm", name="film")]
    assert [answer.image for answer in answers] == ["knee.png", "array", "film"]
    assert answers[1].probabilities == answers[0].probabilities == answers[2].probabilities


def test_the_map_is_laid_on_the_original(either: Predictor, checkpoint: Path, knee: Path) -> None:
    mapped = either.answer_with_map(knee, class_name="Malignant")
    assert (mapped.class_name, mapped.heat.shape, mapped.heat.dtype) == ("Malignant", (200, 150), np.float32)
    np.testing.assert_array_equal(mapped.grey, limb(200, 150, seed=4))
    network = TorchNetwork.from_checkpoint(checkpoint, "cpu")
    import torch

    from osteolens.data.preprocessing import normalise

    shown = normalise(resize(mapped.grey, network.record)[None], network.record)
    maps = class_maps(network.model, torch.from_numpy(shown)).maps
    np.testing.assert_allclose(mapped.heat, maps[0, 2].onto(200, 150, network.record), atol=1e-3)
    of_array = either.answer_with_map(mapped.grey)
    assert of_array.class_name == of_array.answer.label
    assert either.answer_with_map(mapped.grey, class_name="Malignant").heat == pytest.approx(mapped.heat, abs=1e-6)
    with pytest.raises(ConfigError, match="there is no map of Femur"):
        either.answer_with_map(knee, class_name="Femur")


def test_a_refused_picture_is_answered_only_where_its_gate_is_accepted(either: Predictor, tmp_path: Path) -> None:
    chest = tmp_path / "chest.dcm"
    chest.write_bytes(file_bytes(radiograph(limb(200, 150), BodyPartExamined="CHEST")))
    with pytest.raises(GateError, match="is a radiograph of the chest"):
        either.answer(chest)
    lenient = dataclasses.replace(either, accept=frozenset({"body-part"}))
    mapped = lenient.answer_with_map(chest)
    assert [objection.gate for objection in mapped.answer.accepted] == ["body-part"]
    assert mapped.heat.shape == (200, 150)
    with pytest.raises(DataError, match="cannot be read"):
        either.answer(tmp_path / "none.png")


def test_what_lies_far_from_the_pictures_trained_on_is_refused(either: Predictor) -> None:
    stripes = np.tile(np.linspace(20, 220, 300).astype(np.uint8), (300, 1)) // 2 + limb() // 2
    with pytest.raises(GateError, match=r"array does not look like the radiographs .*--accept novelty") as told:
        either.answer(stripes)
    assert told.value.gate == "novelty"
    answer = dataclasses.replace(either, accept=frozenset({"novelty"})).answer(stripes)
    assert answer.novelty is not None
    assert answer.novelty.score > answer.novelty.threshold
    assert [objection.gate for objection in answer.accepted] == ["novelty"]


def test_gates_are_checked_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no gate chest"):
        Predictor.from_file(tmp_path / "none.pt", accept=["chest"])


def test_a_network_without_decisions_says_so(knee: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = lively_checkpoint(tmp_path / "best.pt", seed=1)
    predictor = Predictor.from_file(checkpoint, "cpu")
    assert predictor.answer(knee).decision is None
    assert str(predictor.network.uncalibrated).startswith("uncalibrated: the checkpoint holds no decisions")
    assert isinstance(predictor.network, TorchNetwork)
    export(predictor.network, tmp_path / "model.onnx")
    exported = Predictor.from_file(tmp_path / "model.onnx", options=InferenceOptions(threads=1))
    assert str(exported.network.uncalibrated).startswith("uncalibrated: the model was exported without")
    for options in (ExplanationOptions(method="gradcam"), ExplanationOptions(resolution="double")):
        assert predictor.answer_with_map(knee, options=options).heat.shape == (200, 150)
        with pytest.raises(ConfigError, match="need the checkpoint"):
            exported.answer_with_map(knee, options=options)


def test_a_temperature_that_could_not_be_fitted_is_told(checkpoint: Path) -> None:
    network = TorchNetwork.from_checkpoint(checkpoint, "cpu")
    assert network.decisions is not None
    malignant = [point for point in network.decisions.points if point.question.name.startswith("Malignant")]
    decisions = dataclasses.replace(network.decisions, points=())
    nothing = dataclasses.replace(decisions, scaling=None, reason="there is no val part", chosen_on=None)
    unfitted = dataclasses.replace(network, decisions=nothing)
    assert (unfitted.uncalibrated, unfitted.caveats) == ("uncalibrated: there is no val part", [])
    doubtful = dataclasses.replace(decisions, reason="separated.", chosen_on="Chosen twice.")
    fitted = dataclasses.replace(network, decisions=doubtful)
    assert (fitted.uncalibrated, fitted.caveats) == (None, ["Chosen twice.", "separated."])
    sensitive, specific = (
        dataclasses.replace(malignant[0], name=name, threshold=threshold)
        for name, threshold in (("high_sensitivity", 0.25), ("high_specificity", 0.125))
    )
    crossed = dataclasses.replace(network, decisions=dataclasses.replace(doubtful, points=(sensitive, specific)))
    assert crossed.caveats[:2] == fitted.caveats
    assert [told.partition(":")[0] for told in crossed.caveats[2:]] == ["Malignant against the rest"]


def test_damaged_decisions_in_a_checkpoint_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    damaged = dataclasses.replace(loaded, decisions={"class_names": ["Normal"]})
    with pytest.raises(CheckpointError, match="holds damaged decisions"):
        Predictor.from_file(save_checkpoint(tmp_path / "damaged.pt", damaged), "cpu")
    strange = dataclasses.replace(loaded, class_names=("Normal", "Malignant", "Benign"))
    with pytest.raises(CheckpointError, match="decisions of other classes"):
        Predictor.from_file(save_checkpoint(tmp_path / "strange.pt", strange), "cpu")
