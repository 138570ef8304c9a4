"""The command as a user meets it: answers, sentences and exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from command import osteolens

from osteolens import __version__
from osteolens.interfaces import cli

VERBS = (
    "download",
    "phantom",
    "audit",
    "specification",
    "split",
    "leakcheck",
    "train",
    "predict",
    "eval",
    "gradcam",
    "robustness",
    "compare",
    "infer",
    "export",
    "dicom-results",
    "dicom-node",
    "report",
    "run",
)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Two test images, one of them of a case that is in train."""
    rows = [("a", "train", "p1"), ("b", "test", "p1"), ("c", "test", "p2"), ("d", "train", "p3")]
    path = tmp_path / "manifest.csv"
    pd.DataFrame(rows, columns=["image_id", "split", "patient"]).to_csv(path, index=False)
    return path


def test_help_lists_every_verb_and_the_notice(capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens("--help") == 0
    text = capsys.readouterr().out
    assert set(VERBS) == set(cli.VERBS)
    assert all(verb in text for verb in VERBS)
    assert "Not for clinical use" in text


def test_help_does_not_import_torch() -> None:
    code = "import sys; import osteolens.interfaces.cli; sys.exit(bool({'torch', 'pandas', 'cv2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603  our own interpreter


def test_leakcheck_answers_and_exits_by_the_limit(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens("leakcheck", manifest, "--group-column", "patient", "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["evaluation"]["test"]["overall"]["shared_fraction"] == 0.5
    assert osteolens("leakcheck", manifest, "--group-column", "patient", "--limit", "0.5") == 0
    assert "50.0% of the test images (1 of 2)" in capsys.readouterr().out


def test_leakcheck_of_strangers_asks_for_the_column(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens("leakcheck", manifest) == 1
    assert "--group-column" in capsys.readouterr().err


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "part", "malignant", "benign"),
    [("baseline_stratified_split", "test", 0.686, 0.589), ("published_split", "val", 0.750, 0.665)],
)
def test_leakcheck_of_the_known_splits(  # noqa: PLR0917  a table of figures
    btxrd256: Path,
    name: str,
    part: str,
    malignant: float,
    benign: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert osteolens("leakcheck", btxrd256 / "reference" / f"{name}.csv", "--json") == 1
    shares = json.loads(capsys.readouterr().out)["evaluation"][part]["per_class"]
    assert shares["Malignant"]["shared_fraction"] == pytest.approx(malignant, abs=0.001)
    assert shares["Benign"]["shared_fraction"] == pytest.approx(benign, abs=0.001)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["train", "-o", "training.epohcs=3"], 2, "did you mean training.epochs?"),
        (["train", "--config", "no/such.yaml"], 2, "no/such.yaml does not exist"),
        (["train", "--split", "foo"], 2, "unknown split scheme(s) foo"),
        (["train", "--data", "no/such/folder"], 1, "no/such/folder does not exist"),
        (["audit", "--data", "no/such/folder"], 1, "no/such/folder does not exist"),
        (["infer", "--image", "x.png"], 2, "name a checkpoint"),
        (["infer", "--checkpoint", "c.pt"], 2, "give either --image FILE or --input-dir FOLDER"),
        (["infer", "--image", "x.png", "--checkpoint", "no/such.pt"], 1, "no/such.pt does not exist"),
        (["gradcam", "--image", "x.png"], 2, "name a checkpoint"),
        (["gradcam", "--image", "x.png", "--input-dir", "in", "--checkpoint", "c.pt"], 2, "give either --image FILE"),
        (["gradcam", "--image", "x.png", "--checkpoint", "no/such.pt"], 1, "no/such.pt does not exist"),
        (["eval", "--predictions", "no/such.csv"], 1, "no/such.csv does not exist"),
        (["report", "-o", "paths.results_dir=no/such"], 1, "holds no evaluated run"),
        (["leakcheck", "no/such.csv"], 1, "no/such.csv does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_right_code(
    arguments: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert osteolens(*arguments) == code
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert "Traceback" not in captured.err + captured.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["train", "--no-such-option"], "No such option"),
        (["nosuchverb"], "No such command"),
        (["leakchek"], "leakcheck"),
        (["leakcheck"], "Missing argument"),
    ],
)
def test_wrong_usage_is_code_2_with_a_hint(arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens(*arguments) == 2
    told = capsys.readouterr().err
    assert "Usage: " in told
    assert hint in told


def test_the_version_is_told_with_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert osteolens("--version") == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize(("number", "code_of"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_says_how_to_go_on(tmp_path: Path, number: signal.Signals, code_of: int) -> None:
    # A shell that starts the tests in the background has them, and so the child, ignore the signal: undone here.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from osteolens.interfaces.cli import main; main()"
    verb = ["phantom", "--data", str(tmp_path / "data"), "-o", "phantom.images=5000"]
    process = subprocess.Popen([sys.executable, "-c", code, *verb], stderr=subprocess.PIPE, text=True)  # noqa: S603  our own interpreter
    try:
        deadline = time.monotonic() + 60
        while not any(tmp_path.glob(".data.*/images/*")):
            assert process.poll() is None, "the verb ended before it was interrupted"
            assert time.monotonic() < deadline, "the verb never began"
            time.sleep(0.01)
        process.send_signal(number)
        told = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code_of
    assert told.splitlines()[-1] == "error: interrupted; run the same command again to go on."
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_predictions_are_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a", "yes", 0.1, 0.9), ("b", "no", 0.8, 0.2), ("c", "yes", 0.6, 0.4), ("d", "no", 0.7, 0.3)]
    table = tmp_path / "theirs.csv"
    pd.DataFrame(rows, columns=["image_id", "label", "prob_no", "prob_yes"]).to_csv(table, index=False)
    assert osteolens("eval", "--predictions", table, "--out", tmp_path / "out", "--json", "-q") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["overall"]["accuracy"]["value"] == 0.75
    assert summary["per_class"]["yes"]["sensitivity"]["value"] == 0.5
    assert summary["per_class"]["yes"]["auc"]["value"] == 1.0


@pytest.mark.real_data
@pytest.mark.slow
def test_audit_counts_the_release(btxrd256: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--out", tmp_path, "--json", "-q", "-o", f"paths.cache_dir={tmp_path}"]
    assert osteolens("audit", "--data", btxrd256, *options) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["images"], result["annotated"]) == (3746, 1867)
    assert result["classes"] == {"Normal": 1879, "Benign": 1525, "Malignant": 342}
    groups = result["duplicates"]["exact_groups"]
    assert len(groups) == 21
    assert ["IMG000591.jpeg", "IMG003456.jpeg"] in groups
    assert ["IMG000707.jpeg", "IMG003346.jpeg"] in groups
