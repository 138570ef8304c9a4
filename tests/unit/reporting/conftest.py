"""One run with all files for the tests of the reports; making it takes longer than any page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from run_files import make_run

from osteolens.storage import RunFolder


@pytest.fixture(scope="session")
def complete_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with all files whose test part shares cases with train; no test changes it."""
    return make_run(tmp_path_factory.mktemp("complete"), "stratified", shared=True)


@pytest.fixture
def changeable_run(complete_run: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of it that a test may change."""
    return RunFolder(Path(shutil.copytree(complete_run.root, tmp_path / "tiny" / "stratified")))


@pytest.fixture(scope="session")
def bare_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run on new cases without a validation part, maps and corruptions; no test changes it."""
    return make_run(tmp_path_factory.mktemp("bare"), complete=False)


@pytest.fixture
def changeable_bare_run(bare_run: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of it that a test may change."""
    return RunFolder(Path(shutil.copytree(bare_run.root, tmp_path / "tiny" / "case")))
