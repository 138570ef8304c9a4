from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from exported import SIDE, all_maps, lively_checkpoint, pictures, run_of
from limbs import limb

import osteolens
from osteolens.config import ExplanationOptions, InferenceOptions
from osteolens.errors import CheckpointError, ConfigError, InferenceError
from osteolens.inference import export as export_module
from osteolens.inference.batch import infer
from osteolens.inference.export import export
from osteolens.inference.onnx_runner import OnnxNetwork
from osteolens.inference.predictor import Predictor
from osteolens.inference.torch_network import TorchNetwork


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> TorchNetwork:
    root = tmp_path_factory.mktemp("trained")
    checkpoint = lively_checkpoint(root / "best.pt", "evaluation.flip_averaging=true")
    return TorchNetwork.from_checkpoint(checkpoint, "cpu").with_run(run_of(checkpoint, root / "run").root)


@pytest.fixture(scope="module")
def model(network: TorchNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export(network, path)
    return path


def opened(model: Path, runtime: str = "onnxruntime") -> OnnxNetwork:
    return OnnxNetwork.from_file(model, InferenceOptions.model_validate({"runtime": runtime, "threads": 1}))


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_every_runtime_answers_as_torch(network: TorchNetwork, model: Path, runtime: str) -> None:
    """Seven pictures are a whole batch of four and a part of one."""
    shown, exported = pictures(7), opened(model, runtime)
    expected = network.probabilities(shown)
    assert np.ptp(expected, axis=0).min() > 0.05  # on equal answers the comparison would say nothing
    np.testing.assert_allclose(exported.probabilities(shown), expected, atol=1e-4)
    np.testing.assert_allclose(exported.probabilities(shown[:1]), expected[:1], atol=1e-4)
    np.testing.assert_allclose(all_maps(exported, shown), all_maps(network, shown), atol=1e-3)
    own = np.array([[2, 0]] * 3 + [[0, 1]] * 4)
    expected_maps = network.maps(shown, own, ExplanationOptions())
    np.testing.assert_allclose(exported.maps(shown, own, ExplanationOptions()).values, expected_maps.values, atol=1e-3)
    assert network.decisions is not None
    assert network.decisions.scaling is not None
    calibrated = network.decisions.scaling.apply(expected)
    assert np.abs(calibrated - expected).max() > 0.01
    np.testing.assert_allclose(exported.output("calibrated", shown), calibrated, atol=1e-4)


def test_the_features_are_what_the_last_layer_sees(network: TorchNetwork, model: Path) -> None:
    """Without flip averaging, softmax of weights times features is the answer."""
    shown, layer = pictures(3), network.model.network.get_classifier()
    logits = opened(model).output("features", shown) @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    mirrored = opened(model).output("features", shown[:, :, ::-1]) @ layer.weight.detach().numpy().T
    both = [np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (logits, mirrored + layer.bias.detach().numpy())]
    np.testing.assert_allclose((both[0] + both[1]) / 2, network.probabilities(shown), atol=1e-5)


def test_one_file_holds_everything_and_no_path_of_this_machine(network: TorchNetwork, model: Path) -> None:
    assert [path.name for path in model.parent.iterdir()] == ["model.onnx"]
    written = onnx.load(model)
    metadata = {item.key: item.value for item in written.metadata_props}
    assert "Not for clinical use" in metadata["notice"]
    assert metadata["version"] == osteolens.__version__
    record = json.loads(metadata["osteolens"])
    assert record["class_names"] == ["Normal", "Benign", "Malignant"]
    assert record["preprocessing"]["resize"] == "letterbox"
    assert record["checkpoint_sha256"] == network.sha256
    assert set(record["decisions"]["operating_points"]["questions"]) == {
        "Malignant against the rest",
        "Any tumour against Normal",
    }
    content = model.read_bytes()
    for place in (Path(osteolens.__file__).parent, Path(onnx.__file__).parent.parent, Path.cwd(), Path.home()):
        assert str(place).encode() not in content
    assert written.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_an_export_is_made_the_same_again(network: TorchNetwork, model: Path, tmp_path: Path) -> None:
    export(network, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == model.read_bytes()


def test_files_are_answered_alike_by_either(network: TorchNetwork, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "in" / "knee.png"
    path.parent.mkdir()
    cv2.imwrite(str(path), limb(180, 140))
    exported = Predictor.from_file(model, options=InferenceOptions(threads=1))
    ours = infer(Predictor(network), [path], tmp_path / "torch", explanation=ExplanationOptions()).answers[0]
    theirs = infer(exported, [path], tmp_path / "onnx", explanation=ExplanationOptions()).answers[0]
    assert theirs.probabilities == pytest.approx(ours.probabilities, abs=1e-5)
    assert theirs.decision is not None
    assert ours.decision is not None
    assert theirs.decision.calibrated == pytest.approx(ours.decision.calibrated, abs=1e-5)
    assert [call.positive for call in theirs.decision.calls] == [call.positive for call in ours.decision.calls]
    written = json.loads((tmp_path / "onnx" / "predictions.json").read_text())
    assert written["engine"] == "onnxruntime, float32"
    assert written["predictions"][0]["decision"]["conformal_set"] == list(theirs.decision.conformal_set or ())
    drawn = [cv2.imread(str(tmp_path / side / "overlays" / "knee.png.png")) for side in ("torch", "onnx")]
    assert np.abs(drawn[0].astype(int) - drawn[1]).max() <= 1


def test_a_network_without_closed_form_is_exported_without_maps(tmp_path: Path) -> None:
    checkpoint = lively_checkpoint(tmp_path / "best.pt", "model.backbone=mobilenetv3_small_050")
    network = TorchNetwork.from_checkpoint(checkpoint, "cpu")
    assert not export(network, tmp_path / "model.onnx").has_maps
    exported, shown = opened(tmp_path / "model.onnx"), pictures(2)
    np.testing.assert_allclose(exported.probabilities(shown), network.probabilities(shown), atol=1e-5)
    assert exported.decisions is None
    with pytest.raises(InferenceError, match="Use its checkpoint for maps"):
        all_maps(exported, shown)


def test_a_checkpoint_whose_run_is_not_there_is_uncalibrated_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = lively_checkpoint(tmp_path / "best.pt")
    alone = Predictor.from_file(checkpoint, "cpu").network
    assert alone.decisions is None
    assert alone.uncalibrated is not None
    assert alone.uncalibrated.startswith("uncalibrated: the checkpoint holds no decisions; evaluate its run")
    assert "decisions.json does not exist" in alone.uncalibrated
    run_of(checkpoint, tmp_path / "results" / "tiny" / "stratified")
    assert Predictor.from_file(checkpoint, "cpu").network.uncalibrated is None


def test_what_an_export_cannot_have_is_told(
    network: TorchNetwork, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="brings its own decisions"):
        Predictor.from_file(model, run=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(export_module, "LARGEST_BYTES", 1000)
        with pytest.raises(CheckpointError, match="2 GB at most"):
            export(network, tmp_path / "large.onnx")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnx", None)
        with pytest.raises(ConfigError, match=r"pip install 'osteolens\[export\]'"):
            export(network, tmp_path / "none.onnx")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "openvino", None)
        with pytest.raises(ConfigError, match=r"pip install 'osteolens\[openvino\]'"):
            opened(model, "openvino")
    assert not list(tmp_path.iterdir())


def test_the_input_is_what_the_record_says(model: Path) -> None:
    assert opened(model).record.size == SIDE
