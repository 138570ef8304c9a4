"""What is a UID, and those of derived objects: worked out from their making, so that no answer gets two."""

from __future__ import annotations

import re
import uuid
from typing import Literal

Kind = Literal["capture", "segmentation", "report"]

# A UUID of its own under which the names below are hashed; drawn once, never to be changed.
_NAMESPACE = uuid.UUID("5f0c3a5e-6a5d-4b0e-9a3e-2d1f8f0f7c41")
LONGEST_UID = 64  # characters (PS3.5, section 9.1)
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")


def is_uid(text: str) -> bool:
    """Tell whether a text is a UID as the standard writes them."""
    return len(text) <= LONGEST_UID and _UID.fullmatch(text) is not None


def derived_uid(*parts: str) -> str:
    """Return the UID that belongs to `parts`, their order counts.

    It is a name-based UUID (RFC 9562, version 5) in the form of PS3.5, annex B.2: ``2.25.`` and its decimal value, at
    most 44 characters.
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(parts)).int}"
