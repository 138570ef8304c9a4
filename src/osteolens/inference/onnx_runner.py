"""Exported models on the CPU, by ONNX Runtime or OpenVINO."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions, InferenceOptions
from osteolens.domain import Preprocessing
from osteolens.errors import CheckpointError, ConfigError, InferenceError
from osteolens.explain.cam import MapMethod
from osteolens.explain.cell_map import CellMap
from osteolens.inference.decision_record import DecisionRecord
from osteolens.inference.export_file import read_export, require_package
from osteolens.inference.export_record import DISTANCE, MAPS, PICTURES, PROBABILITIES, ExportRecord
from osteolens.inference.network import Floats, Judged, Network, Pictures
from osteolens.inference.novelty import Novelty

EXPORT_SUFFIX = ".onnx"
Run = Callable[[Pictures, list[str]], list[Floats]]  # pictures [N, S, S] and names of outputs to these outputs


@dataclass(frozen=True, slots=True, eq=False)
class OnnxNetwork(Network):
    """An exported model that gives the numbers of the checkpoint it was made from.

    Attributes
    ----------
    runtime
        ``onnxruntime`` or ``openvino``.
    export
        What the file carries beside the network.
    """

    run: Run
    runtime: str
    export: ExportRecord
    record: Preprocessing
    class_names: tuple[str, ...]
    sha256: str
    decisions: DecisionRecord | None
    undecided: str = "the model was exported without the decisions of its run; export the checkpoint with --run."

    @classmethod
    def from_file(cls, path: Path, options: InferenceOptions) -> OnnxNetwork:
        """Open an exported model; see :func:`osteolens.inference.export_file.read_export` for what is refused."""
        exported = read_export(path)
        export = exported.record
        return cls(
            run=_start(exported.content, options, path),
            runtime=options.runtime,
            export=export,
            record=export.preprocessing,
            class_names=export.class_names,
            sha256=export.checkpoint_sha256,
            decisions=export.decisions,
        )

    @property
    def engine(self) -> str:
        """What computes it."""
        return f"{self.runtime}, {self.export.precision}"

    @property
    def batch_size(self) -> int:
        """Images per forward pass."""
        return self.export.batch_size

    def probabilities(self, pictures: Pictures) -> NDArray[np.float64]:
        """Return class probabilities [N, classes] for resized pictures uint8 [N, size, size]."""
        return _whole(self.output(PROBABILITIES, pictures))

    def judge(self, pictures: Pictures) -> Judged:
        """Return the same probabilities with the pictures' novelty, from one pass."""
        limit = self.export.novelty
        if limit is None:
            return Judged(self.probabilities(pictures), None)
        answers, distances = self.outputs([PROBABILITIES, DISTANCE], pictures)
        novelty = tuple(Novelty(score, limit.threshold, limit.refused) for score in distances.tolist())
        return Judged(_whole(answers), novelty)

    def map_method(self, options: ExplanationOptions) -> MapMethod:
        """Return the closed form; an InferenceError or a ConfigError tells of maps that the model does not hold."""
        if not self.export.has_maps:
            raise InferenceError(
                f"the model exported from {self.export.backbone} holds no maps: they are not exact in closed form for "
                "this network. Use its checkpoint for maps."
            )
        if options.method not in {"auto", "closed_form"} or options.resolution != "native":
            raise ConfigError(
                f"explanation.method = {options.method} and explanation.resolution = {options.resolution} need the "
                "checkpoint: an exported model holds maps in closed form at native resolution."
            )
        return "closed_form"

    def maps(self, pictures: Pictures, classes: NDArray[np.int64], options: ExplanationOptions) -> CellMap:
        """Return maps [N, K, h, w] of the classes [N, K] of resized pictures; raises as :meth:`map_method`."""
        self.map_method(options)
        return CellMap(np.take_along_axis(self.output(MAPS, pictures), classes[:, :, None, None], axis=1))

    def output(self, name: str, pictures: Pictures) -> Floats:
        """Return one output of the graph for resized pictures uint8 [N, size, size]."""
        return self.outputs([name], pictures)[0]

    def outputs(self, names: list[str], pictures: Pictures) -> list[Floats]:
        """Return several of them, from one pass."""
        parts = zip(*(self.run(batch, names) for batch in self._batches(pictures)), strict=True)
        return [np.concatenate(part) for part in parts]

    def _batches(self, pictures: Pictures) -> Iterator[Pictures]:
        for start in range(0, len(pictures), self.batch_size):
            yield np.ascontiguousarray(pictures[start : start + self.batch_size])


def _whole(answers: Floats) -> NDArray[np.float64]:
    """Return probabilities [N, K] in double precision, their sums exactly 1."""
    exact = answers.astype(np.float64)
    return exact / exact.sum(axis=1, keepdims=True)


def _start(content: bytes, options: InferenceOptions, path: Path) -> Run:
    starters = {"onnxruntime": _onnxruntime, "openvino": _openvino}
    package = require_package(options.runtime, "export" if options.runtime == "onnxruntime" else "openvino")
    try:
        return starters[options.runtime](package, content, options.threads)
    except Exception as error:  # each runtime has errors of its own for a graph that it cannot run
        detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{options.runtime} cannot run {path} ({detail}). Export the checkpoint again, or choose the other runtime "
            "with inference.runtime."
        ) from error


def _onnxruntime(package: Any, content: bytes, threads: int | None) -> Run:
    settings = package.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = threads or 0, 1
    settings.log_severity_level = 3  # errors only
    session = package.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    return lambda pictures, names: session.run(names, {PICTURES: pictures})


def _openvino(package: Any, content: bytes, threads: int | None) -> Run:
    core = package.Core()
    # without the hint some CPUs compute in bfloat16, and answers differ in the second digit
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    model = core.compile_model(core.read_model(content), "CPU", settings)

    def run(pictures: Pictures, names: list[str]) -> list[Floats]:
        results = model(pictures)
        return [np.array(results[name]) for name in names]  # the runtime uses its own memory again

    return run
