from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import osteolens
from PIL import Image

from osteolens.interfaces.tables import leakage_table, split_table

SPLIT = "image_id,split,case_id\na,train,1\nb,test,1\nc,test,2\nd,test,3\n"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "split.csv"
    path.write_text(SPLIT)
    return path


def test_leakcheck_draws_its_figure_also_when_it_fails(manifest: Path, tmp_path: Path) -> None:
    assert osteolens("leakcheck", manifest, "--figure", tmp_path / "shares.png") == 1
    assert (tmp_path / "shares.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--images", "a", "--data", "b"], 2, "either --images FOLDER or --data ROOT"),
        (["--images", "a", "--override", "data.root=b"], 2, "either --images FOLDER or --data ROOT"),
        (["--config", "no/such.yaml"], 2, "no/such.yaml does not exist"),
        (["--figure", "shares.pdf"], 2, "must end in .png"),
        (["--images", "no/such"], 1, "no/such does not exist"),
        (["--data", "no/such"], 1, "no/such does not exist"),
        (["--figure", "/proc/shares.png"], 1, "write"),
    ],
)
def test_wrong_options_are_told(
    manifest: Path, options: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert osteolens("leakcheck", manifest, *options) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["-0.1", "1.1", "many"])
def test_a_limit_that_is_no_share_is_wrong_usage(manifest: Path, limit: str) -> None:
    assert osteolens("leakcheck", manifest, "--limit", limit) == 2


def test_split_makes_every_member_of_a_family_with_its_record(
    phantom_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", phantom_root, "-o", f"paths.splits_dir={tmp_path}", "-o", "data.folds=3", "-q"]
    assert osteolens("split", *options, "-o", "data.split_schemes=[case-kfold, case]", "--all-splits") == 0
    out = capsys.readouterr().out
    for name in ("case-fold-1", "case-fold-2", "case-fold-3", "case"):
        assert f"{name}.csv\npart    images" in out
        assert (tmp_path / f"{name}.csv").is_file()
        assert json.loads((tmp_path / f"{name}.json").read_text())["scheme"] == name
    assert osteolens("leakcheck", tmp_path / "case-fold-1.csv", "--data", phantom_root, "-q", "--json") in {0, 1}
    overall = json.loads(capsys.readouterr().out)["evaluation"]["test"]["overall"]
    assert (overall["shared"], overall["duplicated"]) == (0, 0)


def test_a_training_on_a_changed_data_set_is_refused(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "images").mkdir()
    rows = [(f"i{n}.png", "Benign" if n % 2 else "Normal") for n in range(20)]
    for name, _ in rows:
        (tmp_path / "images" / name).write_text(name)
    table = tmp_path / "dataset.csv"
    table.write_text("image_id,label\n" + "".join(f"{name},{label}\n" for name, label in rows))
    options = ["--data", tmp_path, "-o", f"paths.splits_dir={manifest.parent / 'splits'}", "-q", "-s", "case"]
    assert osteolens("split", *options) == 0
    table.write_text(table.read_text().replace("i0.png,Normal", "i0.png,Benign"))
    for verb in ("train", "predict", "eval", "gradcam"):
        capsys.readouterr()
        assert osteolens(verb, *options) == 1
        told = capsys.readouterr().err
        assert "another state of the data set: 1 image(s) have another label, for example i0.png" in told
        assert "osteolens split --split case" in told


def test_tables_line_up() -> None:
    assert split_table({"train": {"Benign": 5, "Very malignant": 12}, "test": {"Benign": 1, "Very malignant": 0}}) == (
        "part    images          Benign  Very malignant\n"
        "train       17               5              12\n"
        "test         1               1               0"
    )
    share = {"n": 4, "shared": 1, "shared_fraction": 0.25, "leaking": 2, "leaking_fraction": 0.5}
    entry = {"per_class": {"Benign": share}, "overall": share}
    plain = leakage_table({"evaluation": {"val": entry}})
    assert plain.splitlines()[1] == "val   Benign                4        1    25.0%"
    copies = {**share, "duplicated": 3}
    shown = leakage_table({"evaluation": {"val": {"per_class": {"Benign": copies}, "overall": copies}}})
    assert shown.splitlines()[0] == "part  class            images   shared    share   copies      any    share"
    assert shown.splitlines()[1] == "val   Benign                4        1    25.0%        3        2    50.0%"


def test_leakcheck_reads_own_data_by_its_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "images").mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (64, 64), np.uint8)
        Image.fromarray(noise).save(tmp_path / "images" / f"{number}.png")
    (tmp_path / "dataset.csv").write_text("picture,broken,person\n0.png,0,ann\n1.png,1,ann\n2.png,0,bob\n")
    (tmp_path / "split.csv").write_text("image_id,split\n0.png,train\n1.png,test\n2.png,test\n")
    (tmp_path / "own.yaml").write_text(
        f"data: {{root: '{tmp_path}', columns: {{image_id: picture, label: broken, case_id: person}}}}"
    )
    assert osteolens("leakcheck", tmp_path / "split.csv", "--config", tmp_path / "own.yaml", "--json") == 1
    result = json.loads(capsys.readouterr().out)
    assert result["evaluation"]["test"]["overall"]["shared"] == 1
    assert result["pictures"]["compared"] == 3
    options = ["--data", tmp_path, "-o", "data.columns={image_id: picture, label: broken, case_id: person}"]
    assert osteolens("leakcheck", tmp_path / "split.csv", *options, "--limit", "0.5") == 0
