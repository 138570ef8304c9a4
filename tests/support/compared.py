"""Run folders as ``osteolens compare`` reads them, made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from osteolens.evaluation.predictions import PredictionsTable
from osteolens.storage import RunFolder, write_json, write_table

CLASSES = ("Normal", "Benign", "Malignant")
IMAGES = 90  # of the whole data set, the classes in turn, two images of one class a case


def case_of(image: int) -> str:
    """Images 0 and 3 are of one case and one class, so are 1 and 4, 2 and 5, 6 and 9 ..."""
    return f"case{image // 6}-{image % 3}"


def answers(images: list[int], *, skill: float = 0.4, seed: int = 0, **columns: str) -> PredictionsTable:
    """Answers for some images; more skill moves the probabilities towards the truth."""
    labels = np.array(images) % 3
    scores = np.random.default_rng(seed).dirichlet(np.ones(3), IMAGES)[images] + skill * np.eye(3)[labels]
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=[f"IMG{image:06d}.jpeg" for image in images],
        labels=np.array(CLASSES)[labels],
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        **{"case_id": np.array([case_of(image) for image in images]), **columns},
    )


def write_run(
    root: Path,
    tested: list[int],
    *,
    skill: float = 0.4,
    seed: int = 0,
    source_of_test: str = "radiopaedia",
) -> RunFolder:
    """Write what a comparison reads of a run: the images not tested are in train."""
    run, inside = RunFolder(root), set(tested)
    answers(tested, skill=skill, seed=seed).write(run.predictions)
    trained = {case_of(image) for image in range(IMAGES) if image not in inside}
    rows = [
        {
            "image_id": f"IMG{image:06d}.jpeg",
            "split": "test" if image in inside else "train",
            "label": CLASSES[image % 3],
            "case_id": case_of(image),
            "center": "2",
            "source": source_of_test if image in inside else "radiopaedia",
            "scheme": root.name,
            "seed": "42",
        }
        for image in range(IMAGES)
    ]
    write_table(run.manifest, pd.DataFrame(rows))

    def share(images: list[int]) -> dict[str, float]:
        found = sum(case_of(image) in trained for image in images)
        return {"n": len(images), "shared": found, "shared_fraction": found / len(images), "duplicated": 0}

    entry = {
        "per_class": {name: share([image for image in tested if image % 3 == k]) for k, name in enumerate(CLASSES)},
        "overall": share(tested),
        "tumours": share([image for image in tested if image % 3]),
    }
    write_json(run.leakage, {"evaluation": {"test": entry}, "sentence": ""})
    return run


def write_experiments(results: Path) -> Path:
    """Write two recipes, ``a`` on a clean and a leaking split that overlap, ``b`` on the clean one only."""
    clean, leaking = list(range(60, 90)), [*range(48, 66, 2), *range(0, 42, 2)]
    write_run(results / "a" / "case", clean, skill=0.2)
    write_run(results / "a" / "stratified", leaking, skill=0.8)
    write_run(results / "b" / "case", clean, skill=0.5, seed=1)
    return results
