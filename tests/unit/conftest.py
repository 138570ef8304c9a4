"""A small network that answers, and a folder with good and bad files."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from limbs import limb
from PIL import Image
from untrained import untrained

from osteolens.config import load_config
from osteolens.inference.predictor import Predictor
from osteolens.inference.torch_network import TorchNetwork
from osteolens.models.checkpoint import save_checkpoint


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained, with pictures of 32 pixels."""
    config = load_config(None, ["model.backbone=mobilenetv2_050", "data.image_size=32", "data.resize=letterbox"])
    return save_checkpoint(tmp_path_factory.mktemp("model") / "net.pt", untrained(config))


@pytest.fixture(scope="session")
def network(small_checkpoint: Path) -> TorchNetwork:
    return TorchNetwork.from_checkpoint(small_checkpoint, "cpu")


@pytest.fixture(scope="session")
def predictor(network: TorchNetwork) -> Predictor:
    return Predictor(network)


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """Two limbs of other sizes in two sub-folders under one name, a broken file, a GIF and a text file."""
    root = tmp_path / "in"
    for seed, (name, shape) in enumerate((("a/knee.png", (150, 100)), ("b/knee.png", (100, 240)))):
        (root / name).parent.mkdir(parents=True)
        cv2.imwrite(str(root / name), limb(*shape, seed=seed))
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    Image.new("L", (40, 40)).save(root / "moving.gif")
    (root / "notes.txt").write_text("not a picture")
    return root
