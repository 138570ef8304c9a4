"""The node as a whole: receives, answers, sends on, and stops without losing anything."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from osteolens.dicom_node.network import Limits, Peer, require_pynetdicom
from osteolens.dicom_node.spool import Spool
from osteolens.dicom_node.workers import Answering, Sending, Worker
from osteolens.dicom_results.answered import Answerer
from osteolens.dicom_results.privacy import private_folder
from osteolens.dicom_results.results import require_highdicom
from osteolens.storage import exclusive

PATIENCE = 10.0  # seconds that open associations, and then each worker, have to end when the node stops
_LOCK = ".lock"

logger = logging.getLogger("osteolens")


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Where a node listens, what it takes and where results go.

    Attributes
    ----------
    queue
        Folder of the queue, of this node alone.
    title
        AE title of the node.
    host, port
        Address to listen on; port 0 takes a free one.
    most_waiting
        Objects that may wait for their answer or for the destination.
    """

    queue: Path
    destination: Peer
    title: str
    host: str
    port: int
    most_waiting: int
    limits: Limits


def serve(options: NodeOptions, answerer: Answerer, wait: Callable[[], object]) -> None:
    """Receive, answer and send until `wait` returns or is interrupted; what is not done then is done the next time.

    Raises
    ------
    ConfigError
        highdicom or pynetdicom is not installed.
    StorageError
        The queue cannot be written, another node uses it, or the address cannot be listened on.
    """
    require_highdicom()
    require_pynetdicom()
    from osteolens.dicom_node.receiving import Receiver
    from osteolens.dicom_node.sending import Destination

    private_folder(options.queue)
    busy = f"another node uses the queue {options.queue}. Stop it, or choose another folder with --queue."
    with exclusive(options.queue, options.queue / _LOCK, busy):
        spool = Spool(options.queue, options.most_waiting)
        sending = Worker("sending", Sending(spool, Destination(options.destination, options.title)).step)
        answering = Worker("answering", Answering(spool, answerer, sending.wake).step)
        receiver = Receiver(spool, (options.host, options.port), options.title, options.limits, answering.wake)
        for worker in (answering, sending):
            worker.start()
        logger.info("%s listens on %s:%d; %d wait.", options.title, options.host, receiver.port, spool.waiting)
        try:
            wait()
        except KeyboardInterrupt:
            logger.info("stopping.")
        finally:
            receiver.stop(PATIENCE)
            for worker in (answering, sending):
                worker.stop()
            for worker in (answering, sending):
                worker.join(PATIENCE)
            logger.info("stopped; %d wait for the next time.", spool.waiting)
