"""An exported model with 8-bit weights and activations, ranges taken from training pictures."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from osteolens.errors import CheckpointError
from osteolens.inference.export_file import parse, read_export, require_package, write_export
from osteolens.inference.export_record import PICTURES

if TYPE_CHECKING:
    import onnx

CALIBRATION_PICTURES = 200
CALIBRATION_BATCH = 20
QUANTISED = ["Conv", "Clip", "Relu", "Add", "MatMul", "Gemm"]  # nearly all of the work, and what lies between
FLOAT_CONVOLUTIONS = 8  # the first ones stay float32: few weights, and most of what int8 loses


def quantise(model: Path, out: Path, pictures: NDArray[np.uint8]) -> Path:
    """Write an exported model as int8: weights per channel, activations per tensor, ranges of training pictures.

    Parameters
    ----------
    pictures
        Resized training pictures, uint8 [N, S, S]. Never those of val or test: the ranges are fitted on them.

    Raises
    ------
    CheckpointError
        `model` is no exported model, or cannot be quantised.
    ConfigError
        onnxruntime is not installed.
    """
    quantization = require_package("onnxruntime.quantization", "export")
    shapes = require_package("onnxruntime.quantization.shape_inference", "export")
    exported = read_export(model)
    with tempfile.TemporaryDirectory() as place:
        prepared, made = Path(place) / "prepared.onnx", Path(place) / "int8.onnx"
        try:
            shapes.quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
            quantization.quantize_static(
                str(prepared),
                str(made),
                _reader(quantization, pictures),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                op_types_to_quantize=QUANTISED,
                nodes_to_exclude=_kept_float(parse(prepared.read_bytes(), model)),
            )
        except (RuntimeError, ValueError, TypeError) as error:
            raise CheckpointError(
                f"{model} cannot be quantised ({str(error).splitlines()[0]}). Use it as it is."
            ) from error
        written = parse(made.read_bytes(), out)
    return write_export(out, written, dataclasses.replace(exported.record, precision="int8"))


def _reader(quantization: Any, pictures: NDArray[np.uint8]) -> Any:
    """Return what the quantiser asks for the next batch until it is given None."""
    starts = range(0, len(pictures), CALIBRATION_BATCH)
    batches = ({PICTURES: pictures[start : start + CALIBRATION_BATCH]} for start in starts)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            return next(batches, None)

    return Reader()


def _kept_float(model: onnx.ModelProto) -> list[str]:
    """Return the first convolutions, the last layer, and what is our own: normalisation, answers, temperature, maps.

    The exporter names a node by the modules it is in, and ours are in none.
    """
    first = [node.name for node in model.graph.node if node.op_type == "Conv"][:FLOAT_CONVOLUTIONS]
    last = [node.name for node in model.graph.node if node.op_type in {"MatMul", "Gemm"}][-1:]
    return [*first, *last, *(node.name for node in model.graph.node if node.name.count("/") <= 1)]
