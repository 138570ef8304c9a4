"""Files are written whole or not at all; hashes; JSON; the folder of a run."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from osteolens.errors import DataError, StorageError

if TYPE_CHECKING:
    import pandas as pd

_ELSEWHERE = (
    "Choose another folder with the option that leads there: paths.results_dir, paths.checkpoints_dir, "
    "paths.splits_dir, paths.cache_dir, or that of the command."
)

_UNFIT = re.compile(r"[^\w.-]")


def _current_umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


_UMASK = _current_umask()  # asked once, while no other thread writes: asking sets it for a moment


def file_word(name: str) -> str:
    """Return a name as part of a file name; characters that a file name may not hold become ``_``."""
    return _UNFIT.sub("_", name)


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into :class:`StorageError` that names the path and the remedy."""
    try:
        yield
    except OSError as error:
        raise _refusal(path, error) from error
    except RuntimeError as error:
        # torch.save, refused in the middle of a file, raises an error of its own on top of the system's
        if not isinstance(error.__context__, OSError):
            raise
        raise _refusal(path, error.__context__) from error


def _refusal(path: Path, error: OSError) -> StorageError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageError(f"no space left to write {path}. Free some space and run again.")
    if error.errno == errno.EFBIG:
        return StorageError(
            f"cannot write {path}: it is larger than a file may be here. Raise the limit (ulimit -f) or choose "
            "another folder."
        )
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return StorageError(f"no permission to write {path}. {_ELSEWHERE}")
    if isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError):
        return StorageError(f"cannot write {path}: a file stands where a folder is needed, or the reverse.")
    return StorageError(f"cannot write {path}: {error.strerror or error}. {_ELSEWHERE}")


@contextlib.contextmanager
def exclusive(place: Path, lock_file: Path, busy: str) -> Iterator[None]:
    """Hold `place` for this process; the lock goes away with the process, however it ends.

    Raises
    ------
    StorageError
        Another process holds it (the message is `busy`), or the folder of `lock_file` cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(lock_file)
    with storage_errors(place):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise StorageError(busy) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def atomic_writer(path: Path, mode: str = "wb", **options: Any) -> Iterator[IO[Any]]:
    """Open a hidden neighbour of `path` and move it into place only when the block ends without an error."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, mode, **options) as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).chmod(0o666 & ~_UMASK)  # mkstemp gives no rights to others, whatever the user wants
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text atomically and return `path`."""
    with atomic_writer(path, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
    return path


def _json_value(value: Any) -> Any:
    """Return `value` in JSON's own terms: NaN and infinities become null, since JSON has no word for them."""
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return _json_value(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_json(value: Any) -> str:
    """Return standard JSON with two spaces of indent; NaN is written as null."""
    return json.dumps(_json_value(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_json_line(value: Any) -> str:
    """Return the same on one line, as a record of a file of many."""
    return json.dumps(_json_value(value), ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> Path:
    """Write `value` as JSON atomically and return `path`."""
    return write_text(path, to_json(value))


def read_json(path: Path) -> Any:
    """Read a JSON file; a missing or damaged one raises :class:`DataError`."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f"{path} is not a readable JSON file: {error}.") from error


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write a table as CSV (UTF-8, no index) atomically and return `path`."""
    return write_text(path, table.to_csv(index=False, lineterminator="\n"))


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV with every cell as text and empty cells as ``""``; callers convert what they use.

    Raises
    ------
    DataError
        The file is missing, empty, or not a UTF-8 CSV, two columns have one heading, or rows have more cells than the
        heading.
    """
    import pandas as pd

    try:
        heading = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", header=None, nrows=1)
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except (ValueError, OSError) as error:  # pandas' parser and codec errors are ValueErrors
        raise DataError(f"{path} is not a readable CSV table: {str(error).splitlines()[0]}.") from error
    names = heading.iloc[0]
    if names.duplicated().any():  # pandas would rename the second and go on
        raise DataError(f"{path} has more than one column {names[names.duplicated()].iloc[0]}. Keep one of them.")
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes the first cell of longer rows for a name of the row
        raise DataError(f"{path}: rows have more cells than the heading. Remove the extra separators.")
    return table


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal, reading it in pieces."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


def fingerprint(value: Any) -> str:
    """Return 16 hexadecimal digits that change whenever `value` (plain data) changes."""
    text = json.dumps(_json_value(value), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return sha256_bytes(text.encode(errors="surrogatepass"))[:16]  # names of files may be no text


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The layout of one run's folder, ``<results_dir>/<experiment>/<split>/``."""

    root: Path

    @property
    def config(self) -> Path:
        """The resolved configuration, YAML."""
        return self.root / "config.yaml"

    @property
    def manifest(self) -> Path:
        """The split manifest the run was trained on, CSV."""
        return self.root / "manifest.csv"

    @property
    def leakage(self) -> Path:
        """How many evaluation images share a case with the train part, JSON."""
        return self.root / "leakage.json"

    @property
    def provenance(self) -> Path:
        """Versions, commit, data hash, JSON."""
        return self.root / "provenance.json"

    @property
    def log(self) -> Path:
        """One row per epoch, CSV."""
        return self.root / "training_log.csv"

    @property
    def curves(self) -> Path:
        """Loss and metric curves, PNG."""
        return self.root / "training_curves.png"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's event files, where ``training.tracking`` asks for them."""
        return self.root / "tensorboard"

    @property
    def predictions(self) -> Path:
        """The predictions table, CSV."""
        return self.root / "predictions.csv"

    @property
    def evaluation(self) -> Path:
        """Folder of metrics and figures."""
        return self.root / "evaluation"

    @property
    def explanation(self) -> Path:
        """Folder of galleries, panels and map scores."""
        return self.root / "gradcam"

    @property
    def robustness(self) -> Path:
        """Folder of predictions for corrupted pictures and of their curves."""
        return self.root / "robustness"

    @property
    def report(self) -> Path:
        """The self-contained HTML report."""
        return self.root / "report.html"
