from __future__ import annotations

import json
from typing import Any

import cv2
import pytest

from osteolens.config import Config
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.training import run


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # of forking, from Python 3.12 on
def test_opencv_does_without_its_threads_while_workers_load_and_the_device_is_told(
    tiny_config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config.with_overrides(
        "training.workers=1", "training.epochs=1", "training.split_strategy=case", "training.ema_decay=0"
    )
    data = load_radiographs(config.data)
    during: list[int] = []
    one_epoch = run.train_one_epoch

    def watched(*arguments: Any) -> float:
        during.append(cv2.getNumThreads())
        return one_epoch(*arguments)

    monkeypatch.setattr(run, "train_one_epoch", watched)
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        run.train(config, data, make_split(data, "case", config))
        assert (during, cv2.getNumThreads()) == ([1], 3)
    finally:
        cv2.setNumThreads(before)
    told = json.loads(run.run_folder(config, "case").provenance.read_text(encoding="utf-8"))
    assert told["device"] == "cpu"  # asked for by the fixture, also where a GPU is
