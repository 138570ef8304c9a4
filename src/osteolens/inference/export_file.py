"""An exported model on disk: written whole, and read only after it was checked."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteolens.errors import CheckpointError, ConfigError
from osteolens.inference.export_record import DISTANCE, MAPS, PICTURES, PROBABILITIES, ExportRecord
from osteolens.storage import atomic_writer

if TYPE_CHECKING:
    import onnx

OPSET = 18  # what is written; older ones lack operators of the graph
LARGEST_BYTES = 2**31 - 1  # of one file without external data, a limit of protobuf
_EXPORT_AGAIN = "Export the checkpoint again with osteolens export."


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """The content of an exported model's file and what it carries beside the network."""

    content: bytes
    record: ExportRecord


def require_package(name: str, extra: str) -> Any:
    """Import a package that an extra brings; without it a :class:`ConfigError` says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ConfigError(f"{package} is not installed. Run pip install 'osteolens[{extra}]'.") from error


def write_export(path: Path, model: onnx.ModelProto, record: ExportRecord) -> Path:
    """Write a model with its record, in place of any metadata that it has.

    Raises
    ------
    CheckpointError
        It is too large for one file.
    """
    helper = require_package("onnx.helper", "export")
    helper.set_model_props(model, record.to_metadata())
    model.producer_name, model.producer_version = "osteolens", record.version
    if (size := model.ByteSize()) > LARGEST_BYTES:
        raise CheckpointError(
            f"the exported network would have {size / 1e9:.1f} GB; one ONNX file holds 2 GB at most. Export a smaller "
            "backbone."
        )
    with atomic_writer(path) as stream:
        stream.write(model.SerializeToString(deterministic=True))
    return path


def read_export(path: Path) -> ExportedFile:
    """Read an exported model and check that it is one, whole, and of this version's kind; nothing in it is run.

    Raises
    ------
    CheckpointError
        The file is missing, damaged, something else, in need of other files, of another opset, or its graph and its
        record disagree.
    ConfigError
        The package onnx is not installed.
    """
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder. Name the exported model in it, a file ending in .onnx.")
    if not path.is_file():
        raise CheckpointError(f"the exported model {path} does not exist. Make it with osteolens export.")
    if path.stat().st_size > LARGEST_BYTES:
        raise CheckpointError(f"{path} has more than 2 GB, which no exported model has. {_EXPORT_AGAIN}")
    content = path.read_bytes()
    model = parse(content, path)
    record = ExportRecord.from_metadata({item.key: item.value for item in model.metadata_props}, str(path))
    _check_opset(model, path)
    _check_one_file(model, path)
    _check_graph(model, record, path)
    _check_whole(model, path)
    return ExportedFile(content, record)


def parse(content: bytes, path: Path) -> onnx.ModelProto:
    """Return the model in the bytes of a file; `path` is used in messages only."""
    onnx = require_package("onnx", "export")
    message = require_package("google.protobuf.message", "export")
    try:
        model = onnx.load_model_from_string(content)
    except message.DecodeError as error:
        raise CheckpointError(f"{path} is not an ONNX file, or a damaged one. {_EXPORT_AGAIN}") from error
    if not model.graph.node:
        raise CheckpointError(f"{path} holds no network; it is empty or damaged. {_EXPORT_AGAIN}")
    return model


def _check_opset(model: onnx.ModelProto, path: Path) -> None:
    newest = require_package("onnx.defs", "export").onnx_opset_version()
    found = max((item.version for item in model.opset_import if item.domain in {"", "ai.onnx"}), default=0)
    if not OPSET <= found <= newest:
        raise CheckpointError(
            f"{path} is written in ONNX opset {found}; {OPSET} to {newest} can be used here. {_EXPORT_AGAIN}"
        )


def _check_one_file(model: onnx.ModelProto, path: Path) -> None:
    if any(tensor.data_location == tensor.EXTERNAL for tensor in _tensors(model.graph)):
        raise CheckpointError(
            f"{path} keeps weights in another file, which is never opened: an exported model is one file. "
            f"{_EXPORT_AGAIN}"
        )


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield the tensors of a graph and of the graphs inside it."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for attribute in (attribute for node in graph.node for attribute in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for inner in (attribute.g, *attribute.graphs):
            yield from _tensors(inner)


def _check_graph(model: onnx.ModelProto, record: ExportRecord, path: Path) -> None:
    inputs, outputs = _shapes(model.graph.input), _shapes(model.graph.output)
    side, classes = record.preprocessing.size, len(record.class_names)
    expected = [PROBABILITIES, *([MAPS] if record.has_maps else [])]
    fits = (
        list(inputs) == [PICTURES]
        and inputs[PICTURES][1:] == [side, side]
        and all(name in outputs and outputs[name][1:2] == [classes] for name in expected)
        and (record.novelty is None or DISTANCE in outputs)
    )
    if not fits:
        raise CheckpointError(
            f"{path}: its record says pictures of {side} x {side} and {classes} classes, its graph takes {inputs} and "
            f"gives {outputs}. {_EXPORT_AGAIN}"
        )


def _shapes(values: Any) -> dict[str, list[int | str]]:
    """Return name to shape; a side that is free is given by its name."""
    return {
        value.name: [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim] for value in values
    }


def _check_whole(model: onnx.ModelProto, path: Path) -> None:
    checker = require_package("onnx.checker", "export")
    try:
        checker.check_model(model)
    except checker.ValidationError as error:
        detail = str(error).splitlines()[0]
        raise CheckpointError(f"{path} is a damaged ONNX model ({detail}). {_EXPORT_AGAIN}") from error
