from __future__ import annotations

import numpy as np
import pandas as pd

from osteolens.data.image_facts import subgroup_columns


def test_subgroups_as_text() -> None:
    frame = pd.DataFrame(
        {
            "age": [34.0, np.nan],
            "gender": ["F", "M"],
            "femur": [1, 0],
            "knee-joint": [1, 0],
            "frontal": [0, 1],
            "lateral": [0, 0],
            "upper limb": [0, 1],
        }
    )
    assert subgroup_columns(frame) == {
        "age": ["34", ""],
        "gender": ["F", "M"],
        "site": ["femur+knee-joint", ""],
        "region": ["", "upper limb"],
        "view": ["", "frontal"],
    }
