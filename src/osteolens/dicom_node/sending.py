"""C-STORE as a user: results go to the destination in the order of receipt, again and again until it has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from osteolens.data.dicom.header import damage
from osteolens.dicom_node.network import Peer

if TYPE_CHECKING:  # of the extra
    from pynetdicom.association import Association

# Secondary Capture, Segmentation, Comprehensive SR
RESULT_CLASSES = ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33")
_WARNINGS = range(0xB000, 0xC000)  # stored, with remarks (PS3.7, annex C)
_FULL = range(0xA700, 0xA800)  # out of resources
_SECONDS = 60.0


class Unreachable(Exception):  # noqa: N818  a state of the network, not a mistake
    """The destination does not answer, or cannot take objects now."""


class Sender(Protocol):
    """A way to a destination."""

    def send(self, files: Sequence[Path]) -> dict[str, str]:
        """Send files; see :meth:`Destination.send`."""
        ...


class Destination:
    """An application entity that takes results."""

    def __init__(self, peer: Peer, own_title: str) -> None:
        from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
        from pynetdicom import AE

        self._peer = peer
        self._entity = AE(ae_title=own_title)
        self._entity.acse_timeout = self._entity.dimse_timeout = self._entity.network_timeout = _SECONDS
        self._entity.connection_timeout = _SECONDS
        for storage in RESULT_CLASSES:
            self._entity.add_requested_context(storage, [ExplicitVRLittleEndian])
            self._entity.add_requested_context(storage, [ImplicitVRLittleEndian])

    def send(self, files: Sequence[Path]) -> dict[str, str]:
        """Send files over one association and return name and reason of those that are refused.

        Raises
        ------
        Unreachable
            It cannot be connected, ends the association, or is out of resources.
        """
        association = self._entity.associate(self._peer.host, self._peer.port, ae_title=self._peer.title)
        if not association.is_established:
            raise Unreachable("no association")
        try:
            reasons = {path.name: _store(association, path) for path in files}
        finally:
            if association.is_established:
                association.release()
        return {name: reason for name, reason in reasons.items() if reason}


def _store(association: Association, path: Path) -> str:
    """Send one file; return why it is refused, "" where it is not."""
    if not association.is_established:
        raise Unreachable("the association ended")
    try:
        answer = association.send_c_store(path)
    except RuntimeError:
        raise Unreachable("the association ended") from None
    except damage():
        return "the destination does not take objects of this class, or the file is damaged"
    status = answer.get("Status")
    if status is None:
        raise Unreachable("no answer")
    if status in _FULL:
        raise Unreachable("out of resources")
    return "" if status == 0 or status in _WARNINGS else f"status {status:04X}"
