"""Work that is begun before its results are asked for: in threads, or in processes that may die of an item."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from typing import Generic, TypeVar

from osteolens.data.cache import DECODING_THREADS
from osteolens.errors import InferenceError
from osteolens.runtime import end_with_parent

ATTEMPTS = 2  # at an item, alone in a process, after one was lost that may have had it
AHEAD = 2  # batches that are begun before they are asked for, so that memory does not grow with their number

logger = logging.getLogger("osteolens")

Item = TypeVar("Item")
Result = TypeVar("Result")


def work_ahead(
    batches: Iterable[Sequence[Item]],
    work: Callable[[Item], Result],
    lost: Callable[[Item], Result],
    *,
    workers: int = 0,
) -> Iterator[list[Result]]:
    """Yield the results of each batch, in order, while those of the next ones are made.

    Parameters
    ----------
    work
        Makes the result of an item; with `workers` it must be a function of a module, or a partial of one.
    lost
        Makes the result of an item of which each process dies that has it alone.
    workers
        Processes; 0 for threads of this one.

    Raises
    ------
    InferenceError
        Processes end before they begin to work.
    """
    crew: _Threads[Item, Result] = _Processes(work, lost, workers) if workers else _Threads(work)
    waiting: deque[list[tuple[Item, Future[Result]]]] = deque()
    with crew.stack:
        for batch in batches:
            waiting.append([(item, crew.begin(item)) for item in batch])
            if len(waiting) > AHEAD:
                yield [crew.finish(*one) for one in waiting.popleft()]
        while waiting:
            yield [crew.finish(*one) for one in waiting.popleft()]


class _Threads(Generic[Item, Result]):
    """Threads of this process; an item that kills it ends everything."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        self.stack = ExitStack()
        self._work = work
        self._pool = self._keep(ThreadPoolExecutor(DECODING_THREADS))

    def _keep(self, pool: Executor) -> Executor:
        """Return a pool that is closed at the end, without the work that it has not begun."""
        self.stack.callback(pool.shutdown, cancel_futures=True)
        return pool

    def begin(self, item: Item) -> Future[Result]:
        return self._pool.submit(self._work, item)

    def finish(self, item: Item, begun: Future[Result]) -> Result:  # noqa: ARG002  processes need the item
        return begun.result()


class _Processes(_Threads[Item, Result]):
    """Processes; where one dies, what it and the others had begun is done again, item by item in one of its own."""

    def __init__(self, work: Callable[[Item], Result], lost: Callable[[Item], Result], workers: int) -> None:
        self.stack = ExitStack()
        self._work, self._lost, self._workers = work, lost, workers
        self._pool = self._keep(_processes(workers))
        self._single: Executor | None = None

    def begin(self, item: Item) -> Future[Result]:
        try:
            return super().begin(item)
        except BrokenProcessPool:
            self._pool = self._keep(_processes(self._workers))
            return super().begin(item)

    def finish(self, item: Item, begun: Future[Result]) -> Result:
        try:
            return begun.result()
        except BrokenProcessPool:
            return self._alone(item)

    def _alone(self, item: Item) -> Result:
        for _ in range(ATTEMPTS):
            if self._single is None:
                logger.warning("a process that reads files was lost; the files it may have had are read again.")
                self._single = self._keep(_processes(1))
                _require_alive(self._single)
            try:
                return self._single.submit(self._work, item).result()
            except BrokenProcessPool:
                self._single = None
        return self._lost(item)


def _processes(number: int) -> Executor:
    # not forked: torch and OpenCV have threads here, which would not live on
    return ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), initializer=_begin_worker)


def _require_alive(pool: Executor) -> None:
    """Raise where processes cannot even start: else every file would be blamed for it."""
    try:
        pool.submit(int).result()
    except BrokenProcessPool as error:
        raise InferenceError(
            "processes that read files end before they begin. Set inference.workers to 0 to read in this process."
        ) from error


def _begin_worker() -> None:
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends its workers
    threading.Thread(target=end_with_parent, daemon=True).start()
