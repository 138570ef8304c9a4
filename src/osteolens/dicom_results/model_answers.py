"""A checkpoint or exported model that answers for DICOM files as their results need it."""

from __future__ import annotations

from pathlib import Path

from osteolens.config import ExplanationOptions
from osteolens.dicom_results.answered import AnsweredPicture, EvidenceMap
from osteolens.inference.predictor import Predictor


class ModelAnswers:
    """An :class:`osteolens.dicom_results.answered.Answerer` made of a predictor and the options of its maps.

    Raises
    ------
    ConfigError, InferenceError
        The network has no maps, or none as the options ask.
    """

    def __init__(self, predictor: Predictor, options: ExplanationOptions) -> None:
        predictor.network.map_method(options)  # now, not at the first picture
        self._predictor, self._options = predictor, options

    def answer(self, path: Path) -> AnsweredPicture:
        """Answer for one file with the map of the class that is answered.

        Raises
        ------
        DataError, InferenceError
            It cannot be read or is refused.
        """
        mapped = self._predictor.answer_with_map(path, options=self._options)
        evidence = EvidenceMap(mapped.class_name, mapped.heat.clip(0, 1))
        return AnsweredPicture(mapped.grey, mapped.answer, evidence, self._predictor.network.sha256)
