"""Names and addresses of the network, and pynetdicom brought to silence."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from osteolens.data.dicom.parsing import be_silent
from osteolens.errors import ConfigError

LONGEST_TITLE = 16  # characters of an AE title (PS3.5, section 6.2)


@dataclass(frozen=True, slots=True)
class Peer:
    """An application entity that results are sent to."""

    host: str
    port: int
    title: str

    @classmethod
    def from_text(cls, text: str) -> Peer:
        """Read ``HOST:PORT:AET``; an IPv6 address stands in brackets.

        Raises
        ------
        ConfigError
            It is something else.
        """
        host, _, rest = text.rpartition(":")[0].rpartition(":")
        title = text.rpartition(":")[2]
        host = host.removeprefix("[").removesuffix("]")
        if not (host and rest.isdecimal() and 0 < int(rest) < 65536):
            raise ConfigError(f"{text!r} is no destination. Write HOST:PORT:AET, such as archive.example:4242:ARCHIVE.")
        return cls(host, int(rest), checked_title(title))


@dataclass(frozen=True, slots=True)
class Limits:
    """What the node takes.

    Attributes
    ----------
    callers
        AE titles that may send; none for any.
    most_bytes
        Of one object; a longer one is turned away, or cut off while it comes in.
    most_associations
        At a time. Objects come into memory, so together they may take this times `most_bytes`.
    """

    callers: tuple[str, ...] = ()
    most_bytes: int = 256 * 2**20
    most_associations: int = 4


def checked_title(title: str) -> str:
    """Return an AE title, or raise :class:`ConfigError` for one that the network does not know."""
    fits = 1 <= len(title.strip()) <= LONGEST_TITLE and title.isascii() and title.isprintable() and "\\" not in title
    if not fits:
        raise ConfigError(f"{title!r} is no AE title: 1 to {LONGEST_TITLE} letters of ASCII, without a backslash.")
    return title.strip()


def require_pynetdicom() -> None:
    """Raise :class:`ConfigError` where the extra is not installed; silence what repeats values of headers."""
    try:
        import pynetdicom  # noqa: F401
    except ImportError:
        raise ConfigError("a DICOM node needs the extra: pip install 'osteolens[dicom]'.") from None
    be_silent()
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
