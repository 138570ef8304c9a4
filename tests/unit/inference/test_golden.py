from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from command import osteolens
from exported import lively_checkpoint, pictures, run_of
from limbs import limb
from onnx import numpy_helper

from osteolens.config import InferenceOptions
from osteolens.errors import InferenceError
from osteolens.inference.export import export
from osteolens.inference.golden import verify
from osteolens.inference.onnx_runner import OnnxNetwork
from osteolens.inference.quantise import quantise
from osteolens.inference.torch_network import TorchNetwork

OPTIONS = InferenceOptions(threads=1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    made = lively_checkpoint(root / "best.pt")
    run_of(made, root / "run")
    return made


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> TorchNetwork:
    return TorchNetwork.from_checkpoint(checkpoint, "cpu").with_run(checkpoint.parent / "run")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for index in range(6):
        cv2.imwrite(str(tmp_path / "in" / f"{index}.png"), limb(110 + 10 * index, 120, seed=index))
    return tmp_path / "in"


@pytest.fixture
def paths(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_an_export_is_found_equal(network: TorchNetwork, paths: list[Path], tmp_path: Path) -> None:
    export(network, tmp_path / "model.onnx")
    result = verify(network, tmp_path / "model.onnx", paths, OPTIONS)
    assert result["pictures"] == 6
    for values in result["runtimes"].values():
        assert values["probabilities"] < 1e-4
        assert values["calibrated"] < 1e-4
        assert values["maps"] < 1e-3
        assert values["distance"] < 1e-4
        assert values["other_answers"] == 0
    written = json.loads((tmp_path / "model.onnx.verify.json").read_text())
    assert written["runtimes"] == result["runtimes"]


@pytest.mark.parametrize(("value", "told"), [(0.3, "differs in probabilities by 0"), (math.nan, "by nan")])
def test_another_bias_is_found_and_written_down(
    network: TorchNetwork, paths: list[Path], tmp_path: Path, value: float, told: str
) -> None:
    model = tmp_path / "model.onnx"
    export(network, model)
    proto = onnx.load(model)
    (bias,) = [tensor for tensor in proto.graph.initializer if list(tensor.dims) == [3] and "bias" in tensor.name]
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32([value, 0, 0]), bias.name))
    model.write_bytes(proto.SerializeToString())
    with pytest.raises(InferenceError, match=told):
        verify(network, model, paths, OPTIONS)
    assert (tmp_path / "model.onnx.verify.json").is_file()


def test_another_preprocessing_is_found(network: TorchNetwork, paths: list[Path], tmp_path: Path) -> None:
    """The record is not in the graph, so each side must read the files by its own."""
    model = tmp_path / "model.onnx"
    record = dataclasses.replace(network.record, clahe=True)
    export(dataclasses.replace(network, record=record), model)
    with pytest.raises(InferenceError, match="probabilities"):
        verify(network, model, paths, OPTIONS)


def test_eight_bits_replace_what_they_should(network: TorchNetwork, paths: list[Path], tmp_path: Path) -> None:
    model, small = tmp_path / "model.onnx", tmp_path / "model_int8.onnx"
    export(network, model)
    quantise(model, small, pictures(20, seed=9))
    exact, exported = OnnxNetwork.from_file(model, OPTIONS), OnnxNetwork.from_file(small, OPTIONS)
    assert exported.engine == "onnxruntime, int8"
    assert exported.export == dataclasses.replace(exact.export, precision="int8")
    nodes = onnx.load(small).graph.node
    made_by = {name: node.op_type for node in nodes for name in node.output}
    by_eight_bits = [made_by.get(node.input[1]) == "DequantizeLinear" for node in nodes if node.op_type == "Conv"]
    assert by_eight_bits == [False] * 8 + [True] * (len(by_eight_bits) - 8)
    (last,) = [node for node in nodes if node.op_type == "Gemm"]
    assert "DequantizeLinear" not in {made_by.get(name) for name in last.input[1:]}
    # how much a trained network loses is measured by benchmarks/export_int8.py; random weights amplify every rounding
    shown = pictures(6)
    ours, theirs = (opened.output("features", shown) for opened in (exact, exported))
    nearest = np.linalg.norm(theirs[:, None] - ours[None], axis=2).argmin(axis=1)
    assert nearest.tolist() == list(range(6))
    assert {tensor.data_type for tensor in onnx.load(small).graph.initializer} >= {onnx.TensorProto.INT8}
    result = verify(network, small, paths, OPTIONS, judged=False)
    assert result["tolerance"] is None


def test_the_command_exports_verifies_and_infers(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "model.onnx"
    run, quick = checkpoint.parent / "run", ("--override", "inference.threads=1")
    arguments = ("--checkpoint", checkpoint, "--out", out, "--run", run, "--verify", "--images", folder, *quick)
    assert osteolens("export", *arguments, "--int8", "--calibration-data", folder, "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["maps"]
    assert made["calibrated"]
    assert made["verified"]["pictures"] == 36
    assert made["verified"]["runtimes"]["onnxruntime"]["probabilities"] < 1e-3
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "model.onnx",
        "model.onnx.verify.json",
        "model_int8.onnx",
        "model_int8.onnx.verify.json",
    ]
    answered = ("--checkpoint", out, "--input-dir", folder, "--out", tmp_path / "answers", "--gradcam", *quick)
    assert osteolens("infer", *answered) == 0
    assert "6 answered, 0 not" in capsys.readouterr().out
    assert len(list((tmp_path / "answers" / "overlays").iterdir())) == 6


def test_the_command_refuses_what_does_not_fit(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert osteolens("export", "--checkpoint", checkpoint, "--out", tmp_path / "model.pt") == 2
    assert "ends in .onnx" in capsys.readouterr().err
    wrong = ("--calibration-data", tmp_path, "--images", tmp_path, "--out", tmp_path / "m.onnx")
    assert osteolens("export", "--checkpoint", checkpoint, *wrong) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert osteolens("export", "--checkpoint", checkpoint, "--run", tmp_path, "--out", tmp_path / "m.onnx") == 1
    assert "decisions.json" in capsys.readouterr().err
