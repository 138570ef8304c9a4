from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from exported import lively_checkpoint
from onnx import TensorProto, helper, numpy_helper

from osteolens.config import InferenceOptions
from osteolens.errors import CheckpointError
from osteolens.inference.export import export
from osteolens.inference.export_file import read_export
from osteolens.inference.onnx_runner import OnnxNetwork
from osteolens.inference.predictor import Predictor
from osteolens.inference.torch_network import TorchNetwork


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exported")
    export(TorchNetwork.from_checkpoint(lively_checkpoint(root / "best.pt"), "cpu"), root / "model.onnx")
    return root / "model.onnx"


def edited(model: Path, path: Path, change: Callable[[onnx.ModelProto], Any]) -> Path:
    proto = onnx.load(model)
    change(proto)
    path.write_bytes(proto.SerializeToString())
    return path


def with_record(**values: Any) -> Callable[[onnx.ModelProto], None]:
    def change(proto: onnx.ModelProto) -> None:
        (entry,) = [item for item in proto.metadata_props if item.key == "osteolens"]
        entry.value = json.dumps(json.loads(entry.value) | values)

    return change


def external(proto: onnx.ModelProto) -> None:
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../secret.bin"


def inner_external(proto: onnx.ModelProto) -> None:
    """Hide the outside weights in a graph inside a node."""
    tensor = numpy_helper.from_array(np.zeros(3, np.float32), "hidden")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    inner = helper.make_graph([], "inner", [], [], [tensor])
    proto.graph.node[0].attribute.append(helper.make_attribute("body", inner))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda proto: proto.metadata_props.__delitem__(slice(None)), "without the record of osteolens"),
        (with_record(format="osteolens-export-9"), "of another version"),
        (with_record(unknown=1), "damaged or of another version"),
        (with_record(class_names=["Normal", "Malignant"]), "its record says"),
        (with_record(class_names=3), "damaged or of another version"),
        (with_record(preprocessing={"size": 32}), "damaged or of another version"),
        (with_record(decisions={"class_names": ["Normal"]}), "damaged or of another version"),
        (with_record(batch_size=0), "damaged or of another version"),
        (lambda proto: setattr(proto.opset_import[0], "version", 99), "opset 99; 18 to"),
        (lambda proto: setattr(proto.opset_import[0], "version", 11), "opset 11; 18 to"),
        (external, "keeps weights in another file"),
        (inner_external, "keeps weights in another file"),
        (lambda proto: setattr(proto.graph.input[0], "name", "image"), "its record says"),
        (lambda proto: proto.graph.output.__delitem__(0), "its record says"),
        (lambda proto: proto.graph.node.__delitem__(0), "a damaged ONNX model"),
        (lambda proto: proto.graph.node.__delitem__(slice(None)), "holds no network"),
        (lambda proto: setattr(proto.graph.node[5], "op_type", "Mystery"), "a damaged ONNX model"),
    ],
)
def test_what_is_not_a_whole_export_is_refused_in_words(
    model: Path, tmp_path: Path, change: Callable[[onnx.ModelProto], Any], told: str
) -> None:
    with pytest.raises(CheckpointError, match=told):
        read_export(edited(model, tmp_path / "edited.onnx", change))


def test_no_network_but_ours_is_run(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "foreign", [value], [out])
    onnx.save(helper.make_model(graph), tmp_path / "foreign.onnx")
    with pytest.raises(CheckpointError, match="Make it with osteolens export"):
        Predictor.from_file(tmp_path / "foreign.onnx")


def test_damaged_files_are_told(model: Path, tmp_path: Path) -> None:
    content = model.read_bytes()
    for name, damaged in (("half", content[: len(content) // 2]), ("noise", b"\x08\xff" * 50), ("empty", b"")):
        (tmp_path / f"{name}.onnx").write_bytes(damaged)
        with pytest.raises(CheckpointError, match="damaged"):
            read_export(tmp_path / f"{name}.onnx")
    with pytest.raises(CheckpointError, match="does not exist"):
        read_export(tmp_path / "none.onnx")
    with pytest.raises(CheckpointError, match="is a folder"):
        read_export(tmp_path)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_graph_that_the_runtime_refuses_is_told(model: Path, tmp_path: Path, runtime: str) -> None:
    """Weights of another shape pass the checks of the file and not those of a runtime."""

    def change(proto: onnx.ModelProto) -> None:
        weights = max(proto.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        smaller = numpy_helper.from_array(np.ones((3, 5, 7, 2), np.float32), weights.name)
        weights.CopyFrom(smaller)

    path = edited(model, tmp_path / "edited.onnx", change)
    options = InferenceOptions.model_validate({"runtime": runtime, "threads": 1})
    with pytest.raises(CheckpointError, match=f"{runtime} cannot run"):
        OnnxNetwork.from_file(path, options)
