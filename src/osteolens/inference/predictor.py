"""Answers of a checkpoint or an exported model for arrays, for files, DICOM files among them, and for batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from osteolens.config import ExplanationOptions, InferenceOptions
from osteolens.data.images import Grey
from osteolens.errors import ConfigError, GateError
from osteolens.inference.answer import Answer, Objection
from osteolens.inference.examination import NOVELTY, accepted_gates, refusal
from osteolens.inference.maps import map_batch
from osteolens.inference.network import Network
from osteolens.inference.onnx_runner import EXPORT_SUFFIX, OnnxNetwork
from osteolens.inference.reading import Failure, InputBatch, read_single
from osteolens.inference.torch_network import TorchNetwork
from osteolens.wording import printable


@dataclass(frozen=True, slots=True, eq=False)
class MappedAnswer:
    """An answer with the evidence for one class.

    Attributes
    ----------
    grey
        The picture, uint8 [height, width].
    class_name
        The class whose evidence is shown.
    heat
        float32 [height, width], 0 to 1: see :mod:`osteolens.explain.cam`.
    """

    answer: Answer
    grey: Grey
    class_name: str
    heat: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """What became of a batch.

    Attributes
    ----------
    batch
        Its pictures that were answered; all others are among its failures.
    answers
        One per picture.
    """

    batch: InputBatch
    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class Predictor:
    """A network with everything that its answers hold: decisions, novelty, gates and maps.

    Attributes
    ----------
    accept
        Gates that are overruled: what they object to is answered all the same, and the answer says so.
    """

    network: Network
    accept: frozenset[str] = frozenset()

    @classmethod
    def from_file(
        cls,
        path: Path,
        accelerator: str = "auto",
        *,
        run: Path | None = None,
        options: InferenceOptions | None = None,
        accept: Collection[str] = (),
    ) -> Predictor:
        """Open a checkpoint with the decisions of its run, or by its suffix ``.onnx`` an exported model.

        A network whose probabilities cannot be calibrated says why, see
        :attr:`osteolens.inference.network.Network.uncalibrated`.

        Parameters
        ----------
        accelerator
            For a checkpoint; exported models are computed on the CPU.
        run
            See :meth:`osteolens.inference.torch_network.TorchNetwork.with_run`; an exported model brings its own
            decisions.
        options
            Which runtime computes an exported model, and with how many threads.
        accept
            Names of gates, see :data:`osteolens.inference.examination.GATE_NAMES`.

        Raises
        ------
        CheckpointError
            The file is missing, damaged or something else.
        ConfigError
            The runtime is not installed, `run` is given for an exported model, or a gate is not known.
        """
        gates = accepted_gates(accept)
        return cls(_open(path, accelerator, run, options or InferenceOptions()), gates)

    def serve(self, batch: InputBatch) -> Served:
        """Answer for the pictures of a batch that was read; those unlike the ones trained on join its failures."""
        answers, refused = [], []
        for place, answer in enumerate(self._answers(batch)):
            if answer.novelty is None or not answer.novelty.is_novel:
                answers.append(answer)
                continue
            objection = Objection(NOVELTY, answer.novelty.reason)
            if NOVELTY in self.accept:
                answers.append(dataclasses.replace(answer, accepted=(*answer.accepted, objection)))
            else:
                error = refusal(str(batch.paths[place]), objection)
                refused.append(Failure(answer.image, printable(str(error)), error.gate))
        answered = {answer.image for answer in answers}
        places = [place for place, name in enumerate(batch.names) if name in answered]
        return Served(batch.only(places, refused), answers)

    def _answers(self, batch: InputBatch) -> list[Answer]:
        if not batch.names:
            return []
        judged, decisions = self.network.judge(batch.pictures), self.network.decisions
        rows = judged.probabilities
        unknown = [None] * len(rows)
        decided = unknown if decisions is None else decisions.decide(rows)
        novelty = unknown if judged.novelty is None else judged.novelty
        return [
            Answer(
                image=name,
                probabilities=dict(zip(self.network.class_names, rows[place].tolist(), strict=True)),
                decision=decided[place],
                novelty=novelty[place],
                accepted=batch.accepted[place],
            )
            for place, name in enumerate(batch.names)
        ]

    def answer(self, source: Path | Grey, *, name: str | None = None) -> Answer:
        """Answer for one picture.

        Parameters
        ----------
        source
            A file, or a grey picture uint8 [height, width], upright and black 0, as
            :func:`osteolens.data.images.read_grey` gives it.
        name
            The name in the answer; by default that of the file, or ``array``.

        Raises
        ------
        DataError
            The file cannot be read.
        GateError
            The picture is refused.
        """
        return self._single(source, name).answers[0]

    def answer_with_map(
        self,
        source: Path | Grey,
        *,
        name: str | None = None,
        class_name: str | None = None,
        options: ExplanationOptions | None = None,
    ) -> MappedAnswer:
        """Answer for one picture and show the evidence for a class, by default for the answered one.

        Raises
        ------
        DataError, GateError
            As :meth:`answer`.
        ConfigError, InferenceError
            The class is not known, or maps cannot be made so, see
            :meth:`osteolens.inference.network.Network.map_method`.
        """
        served = self._single(source, name)
        (answer,) = served.answers
        shown = class_name or answer.label
        if shown not in self.network.class_names:
            known = ", ".join(self.network.class_names)
            raise ConfigError(f"there is no map of {shown}: the network answers with {known}.")
        (mapped,) = map_batch(self.network, served.batch, served.answers, options or ExplanationOptions(), (shown,))
        grey = mapped.read() if isinstance(source, Path) else source
        heat = mapped.maps[0].onto(grey.shape[0], grey.shape[1], self.network.record)
        return MappedAnswer(answer, grey, shown, heat)

    def _single(self, source: Path | Grey, name: str | None) -> Served:
        served = self.serve(read_single(source, self.network.record, self.accept, name=name))
        for failure in served.batch.failures:
            raise GateError(failure.reason, gate=NOVELTY)
        return served


def _open(path: Path, accelerator: str, run: Path | None, options: InferenceOptions) -> Network:
    if path.suffix.lower() != EXPORT_SUFFIX:
        return TorchNetwork.from_checkpoint(path, accelerator).with_run(run)
    if run is not None:
        raise ConfigError(f"{path} brings its own decisions. Leave out --run, or export the checkpoint with it.")
    return OnnxNetwork.from_file(path, options)
