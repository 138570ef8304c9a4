from __future__ import annotations

import contextlib
import hashlib
import http.server
import pickle
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from osteolens.config import ModelOptions
from osteolens.errors import CheckpointError, ConfigError
from osteolens.models.checkpoint import Checkpoint, save_checkpoint
from osteolens.models.classifier import BTXRDClassifier
from osteolens.models.factory import create_model
from osteolens.models.weights import load_starting_weights


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_local_weights_fill_everything_but_the_classifier(tmp_path: Path, suffix: str) -> None:
    source = BTXRDClassifier("mobilenetv2_050", num_classes=1000)
    path = tmp_path / f"weights{suffix}"
    save_file(source.network.state_dict(), path) if suffix == ".safetensors" else torch.save(
        source.network.state_dict(), path
    )
    model = create_model(ModelOptions(backbone="mobilenetv2_050", weights=path), 3)
    own, given = model.network.state_dict(), source.network.state_dict()
    same = [name for name in own if own[name].shape == given[name].shape and torch.equal(own[name], given[name])]
    assert set(own) - set(same) == {"classifier.weight", "classifier.bias"}


def test_an_earlier_run_gives_its_weights_to_a_run_with_other_classes(tmp_path: Path) -> None:
    earlier = create_model(ModelOptions(backbone="mobilenetv2_050"), 2)
    checkpoint = Checkpoint(earlier.state_dict(), {}, ("Normal", "Fractured"), {}, 1, {}, [1.0, 1.0], {})
    path = save_checkpoint(tmp_path / "fractures.pt", checkpoint)
    model = create_model(ModelOptions(backbone="mobilenetv2_050", weights=path), 3)
    own, given = model.state_dict(), earlier.state_dict()
    same = [name for name in own if own[name].shape == given[name].shape and torch.equal(own[name], given[name])]
    assert set(own) - set(same) == {"network.classifier.weight", "network.classifier.bias"}


def test_attention_keeps_its_random_start(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.safetensors"
    source = BTXRDClassifier("resnet18")
    save_file(source.network.state_dict(), path)
    model = create_model(ModelOptions(backbone="resnet18", attn_layer="cbam", weights=path), 3)
    assert torch.equal(model.network.conv1.weight, source.network.conv1.weight)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(BTXRDClassifier("resnet18").network.state_dict(), path)
    with pytest.raises(CheckpointError, match="does not hold weights of mobilenetv2_050"):
        create_model(ModelOptions(backbone="mobilenetv2_050", weights=path), 3)


def test_weights_with_code_are_refused_and_not_run(tmp_path: Path) -> None:
    path, target = tmp_path / "evil.pth", tmp_path / "ran"
    path.write_bytes(pickle.dumps({"conv1.weight": Payload(target)}))
    with pytest.raises(CheckpointError, match="damaged or unsafe"):
        load_starting_weights(BTXRDClassifier("resnet18"), path)
    assert not target.exists()


def test_missing_and_truncated_weights_are_refused(tmp_path: Path) -> None:
    model = BTXRDClassifier("mobilenetv2_050")
    with pytest.raises(CheckpointError, match="does not exist"):
        load_starting_weights(model, tmp_path / "none.safetensors")
    whole = tmp_path / "whole.safetensors"
    save_file(model.network.state_dict(), whole)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="damaged or unsafe"):
        load_starting_weights(model, cut)


def test_weights_without_squeeze_and_excitation_are_refused(tmp_path: Path) -> None:
    # CBAM and squeeze-and-excitation bear the same name in timm; only CBAM may start at random
    state = BTXRDClassifier("efficientnet_b0").network.state_dict()
    path = tmp_path / "cut.safetensors"
    save_file({name: value for name, value in state.items() if ".se." not in name}, path)
    with pytest.raises(CheckpointError, match=r"64 tensor\(s\) missing"):  # 16 blocks, two convolutions with a bias
        create_model(ModelOptions(backbone="efficientnet_b0", weights=path), 3)


@pytest.mark.parametrize("kind", ["number", "nested"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd.pth"
    torch.save({"number": {"epoch": 3}, "nested": {"teacher": {"weight": torch.zeros(1)}}}[kind], path)
    with pytest.raises(CheckpointError, match="plain table of tensors"):
        load_starting_weights(BTXRDClassifier("resnet18"), path)


def test_positions_of_another_grid_are_resampled(tmp_path: Path) -> None:
    source = BTXRDClassifier("vit_tiny_patch16_224", img_size=96).network.state_dict()
    source["pos_embed"] = torch.full((1, 1 + 36, 192), 3.0)
    source["pos_embed"][:, 0] = -1.0  # of the class token
    path = tmp_path / "vit96.safetensors"
    save_file(source, path)
    options = ModelOptions(backbone="vit_tiny_patch16_224", weights=path)
    network = create_model(options, 3, image_size=64).network
    assert network.pos_embed.shape == (1, 1 + 16, 192)
    assert (network.pos_embed[:, 0] == -1).all()
    assert torch.allclose(network.pos_embed[:, 1:], torch.tensor(3.0), atol=1e-5)
    assert torch.equal(network.blocks[0].attn.qkv.weight, source["blocks.0.attn.qkv.weight"])


def test_window_biases_of_another_size_are_resampled(tmp_path: Path) -> None:
    # timm keeps the middle offsets and spaces the outer ones geometrically: 0, 1, 2.5, 4.75, then linear between them
    backbone, bias = "swin_tiny_patch4_window7_224", "layers.0.blocks.0.attn.relative_position_bias_table"
    with torch.device("meta"):
        shapes = BTXRDClassifier(backbone, img_size=16).network.state_dict()
    source = {name: torch.zeros(value.shape) for name, value in shapes.items()}
    down, right = torch.meshgrid(torch.arange(-3.0, 4.0), torch.arange(-3.0, 4.0), indexing="ij")  # windows of 4 x 4
    source[bias] = (down + 100 * right).reshape(49, 1).repeat(1, 3)
    path = tmp_path / "swin16.safetensors"
    save_file(source, path)
    network = create_model(ModelOptions(backbone=backbone, weights=path), 3, image_size=224).network
    table = network.state_dict()[bias].reshape(13, 13, 3)  # windows of 7 x 7
    assert table[6 + 1, 6 + 1].tolist() == pytest.approx([101] * 3, abs=1e-3)
    assert table[6 + 2, 6 - 1].tolist() == pytest.approx([1 + 1 / 1.5 - 100] * 3, abs=1e-3)
    assert table[6 - 1, 6 + 3].tolist() == pytest.approx([-1 + 100 * (2 + 0.5 / 2.25)] * 3, abs=1e-3)


@pytest.mark.parametrize("other", ["vit_small_patch14_reg4_dinov2", "resnet18", "swin_tiny_patch4_window7_224"])
def test_weights_of_another_transformer_are_refused(tmp_path: Path, other: str) -> None:
    with torch.device("meta"):
        shapes = BTXRDClassifier(other).network.state_dict()
    path = tmp_path / "other.safetensors"
    save_file({name: torch.zeros(value.shape) for name, value in shapes.items()}, path)
    with pytest.raises(CheckpointError, match="does not hold weights of vit_tiny_patch16_224"):
        create_model(ModelOptions(backbone="vit_tiny_patch16_224", weights=path), 3, image_size=64)


@contextlib.contextmanager
def hub_of_one_file(body: bytes) -> Iterator[str]:
    """Serve a file as the hub does for every address; yields the address of the server."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def use_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    """Give a function that points the hub's client at an address, with an empty cache below the test's folder."""
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    def use(address: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    close_session()
    yield use
    close_session()


def closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


PRETRAINED = ModelOptions(backbone="mobilenetv3_small_050", pretrained=True)


def test_without_a_network_both_ways_out_are_named_at_once(use_hub, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub(closed_port())
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"waited {seconds} s for another try"))
    with pytest.raises(CheckpointError, match=r"model\.weights=FILE .* model\.pretrained=false") as caught:
        create_model(PRETRAINED, 3)
    assert len(str(caught.value).splitlines()) == 1


def test_weights_from_the_hub_and_then_from_its_cache(use_hub, tmp_path: Path) -> None:
    from huggingface_hub import constants

    given = {
        name: torch.full_like(value, 0.5)
        for name, value in BTXRDClassifier(PRETRAINED.backbone, 1000).network.state_dict().items()
    }
    save_file(given, tmp_path / "model.safetensors")
    with hub_of_one_file((tmp_path / "model.safetensors").read_bytes()) as address:
        use_hub(address)
        fetched = create_model(PRETRAINED, 3)
    use_hub(closed_port())
    cached = create_model(PRETRAINED, 3)
    for model in (fetched, cached):
        assert (model.network.conv_stem.weight == 0.5).all()
        assert model.network.classifier.out_features == 3
    assert constants.HF_HUB_OFFLINE is False


def test_a_network_that_nobody_published_weights_of_is_refused() -> None:
    with pytest.raises(ConfigError, match="no ImageNet weights of mobilenetv2_035"):
        create_model(ModelOptions(backbone="mobilenetv2_035", pretrained=True), 3)
