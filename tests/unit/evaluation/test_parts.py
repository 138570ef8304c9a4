"""The identity of a part's answers, as anybody can work it out from the CSV."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from osteolens.evaluation.parts import evaluation_parts, predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable

DOCUMENT = Path(__file__).parents[3] / "docs" / "evaluation.md"


@pytest.fixture
def table() -> PredictionsTable:
    scores = np.random.default_rng(1).dirichlet([0.1, 1.0, 3.0], 40)  # some of them in powers of ten
    return PredictionsTable.from_arrays(
        ("Normal", "Benign", "Malignant"),
        image_ids=[f"röntgen {index}.jpeg" for index in range(40)],
        labels=np.tile(["Normal", "Benign"], 20),
        probabilities=scores,
        split=np.repeat(["val", "test"], 20),
    )


def test_the_program_of_the_documentation_gives_it(table: PredictionsTable, tmp_path: Path) -> None:
    path = table.write(tmp_path / "predictions.csv")
    assert "e-" in path.read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout  # noqa: S603
    test, validation = evaluation_parts(PredictionsTable.from_csv(path))
    assert told.strip() == predictions_sha256(test) == predictions_sha256(table.part("test"))
    assert validation is not None
    assert predictions_sha256(validation) != predictions_sha256(test)


def test_it_is_of_ids_labels_and_probabilities_in_any_order(table: PredictionsTable) -> None:
    def of(**columns: object) -> str:
        frame = table.frame.drop(columns="predicted").assign(**columns)
        return predictions_sha256(PredictionsTable(table.class_names, frame))

    first, turned = predictions_sha256(table), table.frame.iloc[::-1]
    assert predictions_sha256(PredictionsTable(table.class_names, turned)) == first
    assert of(case_id="one", source="elsewhere") == first
    assert of(image_id=[f"other {index}" for index in range(40)]) != first
    assert of(label="Malignant") != first
    assert of(prob_Normal=table.frame["prob_Benign"], prob_Benign=table.frame["prob_Normal"]) != first
