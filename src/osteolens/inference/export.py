"""A checkpoint to one ONNX file that carries all it needs."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

import osteolens
from osteolens.errors import CheckpointError
from osteolens.inference.export_file import LARGEST_BYTES, OPSET, parse, require_package, write_export
from osteolens.inference.export_record import PICTURES, ExportRecord, NoveltyLimit
from osteolens.inference.exported_network import ExportedNetwork
from osteolens.inference.torch_network import TorchNetwork

TRACED_BATCH = 2


def export(network: TorchNetwork, out: Path) -> ExportRecord:
    """Write a checkpoint's network with its preprocessing, its decisions and its maps as one ONNX file.

    The graph takes resized pictures uint8 [N, S, S], N free, and gives ``probabilities`` [N, K], with a temperature
    ``calibrated`` [N, K], ``maps`` [N, K, h, w] where the closed form is exact, the pooled ``features`` [N, F], and
    their ``distance`` [N] where the checkpoint tells novel pictures.

    Parameters
    ----------
    network
        On the CPU.

    Raises
    ------
    CheckpointError
        The network is too large for one file, or cannot be written in ONNX.
    ConfigError
        The package onnx is not installed.
    StorageError
        The disk refuses.
    """
    require_package("onnx", "export")
    if (size := sum(value.nbytes for value in network.model.state_dict().values())) > LARGEST_BYTES:
        raise CheckpointError(
            f"the weights of {network.model.backbone_name} have {size / 1e9:.1f} GB; one ONNX file holds 2 GB at "
            "most. Export a smaller backbone."
        )
    decisions, novelty = network.decisions, network.novelty_model
    scaling = None if decisions is None else decisions.scaling
    graph = ExportedNetwork(
        network.model,
        network.record,
        flip_averaging=network.flip_averaging,
        scaling=scaling,
        novelty=novelty,
    )
    record = ExportRecord(
        preprocessing=network.record,
        class_names=network.class_names,
        flip_averaging=network.flip_averaging,
        checkpoint_sha256=network.sha256,
        backbone=network.model.backbone_name,
        has_maps=graph.linear is not None,
        batch_size=network.batch_size,
        version=osteolens.__version__,
        decisions=decisions,
        novelty=None if novelty is None else NoveltyLimit(novelty.threshold, novelty.refused),
    )
    write_export(out, parse(_traced(graph.eval(), network.record.size), out), record)
    return record


@torch.no_grad()
def _traced(network: ExportedNetwork, side: int) -> bytes:
    """Return the network in ONNX, by torch's tracing exporter (docs/decisions/2026-11-22-tracing-export.md)."""
    names = [PICTURES, *network.output_names]
    pictures = torch.zeros(TRACED_BATCH, side, side, dtype=torch.uint8)
    stream = io.BytesIO()
    try:
        with warnings.catch_warnings(), _constant_padding():
            # the exporter says that it is the older one, and that sizes are fixed, which they are but for the batch
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (pictures,),
                stream,  # type: ignore[arg-type]  # the older exporter takes a stream too
                input_names=names[:1],
                output_names=names[1:],
                dynamic_axes={name: {0: "batch"} for name in names},
                opset_version=OPSET,
                dynamo=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise CheckpointError(
            f"{network.model.backbone_name} cannot be written in ONNX ({str(error).splitlines()[0]}). Use the "
            "checkpoint itself, or another backbone."
        ) from error
    return stream.getvalue()


@contextlib.contextmanager
def _constant_padding() -> Iterator[None]:
    """Let timm work out TensorFlow's padding as numbers.

    Traced as it is, it becomes a graph of its own on the size of every picture, which is always the same here and which
    a quantiser would take for a part of the network.
    """
    from timm.layers import padding

    traced = padding.get_same_padding
    padding.get_same_padding = lambda size, *others: traced(int(size), *others)
    try:
        yield
    finally:
        padding.get_same_padding = traced
