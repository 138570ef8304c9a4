"""C-STORE and C-ECHO as a provider: an object is acknowledged once it is on the disk, and not before."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any, cast

from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from osteolens.data.dicom.decoding import DECODERS, NATIVE
from osteolens.data.dicom.gates import READ_CLASSES
from osteolens.data.dicom.parsing import parse
from osteolens.dicom_node.network import Limits
from osteolens.dicom_node.spool import Spool
from osteolens.errors import DataError, StorageError

SUCCESS, OUT_OF_RESOURCES, MISMATCH, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000  # PS3.4, table B.2-1
_IDLE_SECONDS = 60.0  # without a word from the sender, after which an association is given up
_GREETING_SECONDS = 10.0  # for the request that follows a connection
_MESSAGE_ROOM = 2**20  # bytes beyond the object: commands and the headers of the transfer

logger = logging.getLogger("osteolens")


class Receiver:
    """A listening provider.

    Parameters
    ----------
    arrived
        Called after each object that was queued.

    Raises
    ------
    StorageError
        The port is in use or may not be used.
    """

    def __init__(
        self, spool: Spool, address: tuple[str, int], title: str, limits: Limits, arrived: Callable[[], None]
    ) -> None:
        self._spool, self._limits, self._arrived = spool, limits, arrived
        self._entity = _entity(title, limits)
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._limit),
            (evt.EVT_CONN_CLOSE, _let_go),
            (evt.EVT_C_STORE, self._store),
        ]
        try:
            server = self._entity.start_server(address, block=False, evt_handlers=handlers)
        except OSError as error:
            raise StorageError(
                f"cannot listen on {address[0]}:{address[1]}: {error.strerror}. Choose another --host or --port."
            ) from error
        if server is None:
            raise StorageError(f"cannot listen on {address[0]}:{address[1]}.")
        self._server: ThreadedAssociationServer = server

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def stop(self, patience: float) -> None:
        """Take no new associations, let those that are open end for `patience` seconds, then abort them."""
        self._server.shutdown()
        deadline = time.monotonic() + patience
        while self._entity.active_associations and time.monotonic() < deadline:
            time.sleep(0.05)
        self._entity.shutdown()

    def _store(self, event: evt.Event) -> int:
        """Answer a C-STORE request with its status."""
        request, socket = cast("C_STORE", event.request), cast("Any", event.assoc.dul.socket)
        socket.recv.received = 0
        uid, data = str(request.AffectedSOPInstanceUID), event.encoded_dataset()
        if (status := _consistency(data, uid, str(request.AffectedSOPClassUID))) != SUCCESS:
            logger.warning("an object was turned away: status %04X.", status)
            return status
        if len(cast("BytesIO", request.DataSet).getbuffer()) > self._limits.most_bytes:
            logger.warning("an object is larger than the limit; it was turned away.")
            return OUT_OF_RESOURCES
        try:
            added = self._spool.add(uid, data)
        except StorageError as error:
            logger.error("%s", error)  # noqa: TRY400  the sentence says all
            return OUT_OF_RESOURCES
        if added == "full":
            logger.warning("the queue is full; an object was turned away.")
            return OUT_OF_RESOURCES
        if added == "queued":
            self._arrived()
        return SUCCESS

    def _limit(self, event: evt.Event) -> None:
        """Count what comes in, so that nobody fills the memory."""
        socket = cast("Any", event.assoc.dul.socket)
        socket.recv = _Meter(socket.recv, self._limits.most_bytes + _MESSAGE_ROOM)


class _Meter:
    """The reading of a socket, which breaks when more bytes come in than one object may have.

    pynetdicom reads as many bytes as a message announces, and objects of any number of messages, into memory.
    """

    def __init__(self, receive: Callable[[int], bytearray], most: int) -> None:
        self._receive, self._most, self.received = receive, most, 0

    def __call__(self, number: int) -> bytearray:
        """Read `number` bytes; raises OSError, as for a broken connection, beyond the limit."""
        self.received += number
        if self.received > self._most:
            logger.warning("an object is larger than the limit; the association is given up.")
            raise ConnectionAbortedError
        return self._receive(number)


def _let_go(event: evt.Event) -> None:
    """End the thread of a connection that closed before it asked for anything, as probes of a port do.

    pynetdicom would wait for the request as long as for a slow one, and count the thread as an association.
    """
    if event.assoc.requestor.primitive is None:
        cast("Any", event.assoc.dul.to_user_queue).put(None)


def _entity(title: str, limits: Limits) -> AE:
    entity = AE(ae_title=title)
    entity.require_called_aet = True
    entity.require_calling_aet = list(limits.callers)
    entity.maximum_associations = limits.most_associations
    entity.network_timeout = entity.dimse_timeout = _IDLE_SECONDS
    entity.acse_timeout = _GREETING_SECONDS
    entity.add_supported_context(Verification)
    for storage in READ_CLASSES:
        entity.add_supported_context(storage, [*NATIVE, *DECODERS])
    return entity


def _consistency(data: bytes, uid: str, storage: str) -> int:
    """Return the status for an object whose data set is damaged or is another than the request names."""
    try:
        header = parse(data, "object", ("SOPInstanceUID", "SOPClassUID"), pixels=False)
        named = (header.values("SOPInstanceUID"), header.values("SOPClassUID"))
    except DataError:
        return NOT_UNDERSTOOD
    return SUCCESS if named == ([uid], [storage]) else MISMATCH
