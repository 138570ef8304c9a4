"""The errors a user can meet: one family, each message says what happened, to what, and what to do.

::

    OsteolensError
    ├── ConfigError      the command line or a configuration file is wrong       (exit code 2)
    ├── DataError        a data set, an image, an annotation or a manifest
    │   └── RegionError  a radiograph of a part of the body that is not answered
    ├── CheckpointError  a checkpoint or a weights file
    ├── TrainingError    a training run that cannot go on
    ├── EvaluationError  a predictions table or a metric that cannot be worked out
    ├── InferenceError   a picture that cannot be answered
    │   └── GateError    it does not look like a radiograph that the network could know
    └── StorageError     the disk: no space, no permission, a folder in use
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2


class OsteolensError(Exception):
    """Base of every error that is told to the user as one sentence, without a traceback."""

    exit_code: int = EXIT_FAILURE


class ConfigError(OsteolensError):
    """The configuration or the command line is wrong.

    Parameters
    ----------
    problems
        One sentence per problem; all are reported together.
    """

    exit_code = EXIT_USAGE

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class DataError(OsteolensError):
    """A data set, an image, an annotation or a manifest cannot be used."""


class RegionError(DataError):
    """A DICOM header says that the radiograph shows a part of the body that is not answered.

    Attributes
    ----------
    region
        That part in words, such as ``the chest``.
    """

    def __init__(self, message: str, *, region: str) -> None:
        self.region = region
        super().__init__(message)


class CheckpointError(OsteolensError):
    """A checkpoint or weights file is damaged, unsafe, or belongs to another model."""


class TrainingError(OsteolensError):
    """A training run cannot start or go on."""


class EvaluationError(OsteolensError):
    """A predictions table is unusable or a figure cannot be worked out from it."""


class InferenceError(OsteolensError):
    """A picture cannot be answered."""


class GateError(InferenceError):
    """A picture is refused before any network sees it.

    Attributes
    ----------
    gate
        Name of the gate that refuses it.
    """

    def __init__(self, message: str, *, gate: str) -> None:
        self.gate = gate
        super().__init__(message)


class StorageError(OsteolensError):
    """The disk refuses: full, read-only, or the folder belongs to another run."""
