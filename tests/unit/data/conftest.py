"""A small data root of this project's layout; the images are stand-ins, since only their names and bytes are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

DataRoot = Callable[..., Path]


@pytest.fixture
def data_root(tmp_path: Path) -> DataRoot:
    def make(rows: list[dict[str, str]], cases: list[dict[str, str]] | None = None, name: str = "root") -> Path:
        """Write rows (image_id, label, further columns; ``content`` is what the file holds) and a case table."""
        root = tmp_path / name
        (root / "images").mkdir(parents=True)
        table = pd.DataFrame(rows)
        for row in rows:
            (root / "images" / row["image_id"]).write_text(row.get("content", f"picture {row['image_id']}"))
        table.drop(columns="content", errors="ignore").to_csv(root / "dataset.csv", index=False)
        if cases is not None:
            pd.DataFrame(cases).to_csv(root / "cases.csv", index=False)
        return root

    return make
