"""A training step: what makes it fast, what share of it is loading, and what memory training takes.

Run ``python benchmarks/training_step.py [--data path/to/btxrd256] [--compile] [--markdown FILE] [--json FILE]``; about
ten minutes on two cores. The network, the size of input and batch and the recipe are those of ``--config``.

1. *The network alone*: optimiser steps on random numbers, computed in several ways.
2. *The loop*: epochs as ``osteolens train`` runs them, on the phantom and on ``--data``, against the network alone.
3. *Memory*: the most that a training process takes for itself, for a small and a larger data set (Linux).
4. *Profile*: the operators that take longest before and after.

Processes take turns of a few steps, and every figure is a median over the turns, so that other work on the machine
falls on all sides alike. The phantom's cached pictures are as large as any, whatever the size of its files.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from training_workers import Times, Variant, Worker, loop_times, operators, peak_memory, variant_step

from osteolens.config import Config, load_config
from osteolens.data.phantom import generate_phantom
from osteolens.storage import write_json, write_text
from osteolens.training.engine import require_engine

RECIPE = Path(__file__).parents[1] / "configs" / "btxrd256.yaml"
PRECISIONS = ("32-true", "bf16-mixed")
PHANTOM_SIDE = 128  # pixels of the phantom's files
TOP = 10
VARIANTS = [
    Variant("float32, contiguous", channels_last=False),
    Variant("float32, channels last"),
    Variant("bf16, channels last", bf16=True),
    Variant("+ strided depthwise convolutions in float32", bf16=True, depthwise_in_float32=True),
    Variant("+ freed memory kept", bf16=True, depthwise_in_float32=True, freed_memory_kept=True),
]
COMPILED = Variant("+ torch.compile", bf16=True, depthwise_in_float32=True, freed_memory_kept=True, compiled=True)


PLAIN = [
    "model.weights=null",
    "data.split_files={}",
    "data.split_schemes=[stratified]",
    "training.split_strategy=stratified",
    "training.accelerator=cpu",
]
LOOP_HEAD = (
    "pictures",
    "precision",
    "ms per step",
    "of it loading",
    "share",
    "images/s",
    "images/s, network alone",
    "of that reached",
)


@dataclass(frozen=True)
class Results:
    """All figures.

    Attributes
    ----------
    variants
        Name and median seconds of a step.
    loops
        Pictures, precision and times.
    memory
        Number of pictures, whether dimmed copies are trained on, and MiB.
    profiles
        Name of a variant and its operators: name, calls and milliseconds per step; the longest first.
    """

    command: str
    machine: str
    batch: int
    variants: list[tuple[str, float]]
    loops: list[tuple[str, str, Times]]
    memory: list[tuple[int, bool, float]]
    profiles: list[tuple[str, list[tuple[str, float, float]]]]


def main() -> None:
    """Measure, print and write."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        results = _results(asked, Path(folder))
    page = _page(results)
    print(page)
    if asked.markdown:
        write_text(asked.markdown, page)
    if asked.json:
        write_json(asked.json, asdict(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=RECIPE, help="network and recipe")
    parser.add_argument("--override", "-o", action="append", default=[], help="section.key=value")
    parser.add_argument("--data", type=Path, help="a further data set, such as ../shared/btxrd256")
    parser.add_argument("--rounds", type=int, default=9, help="turns of every process")
    parser.add_argument("--steps", type=int, default=4, help="steps of a turn")
    parser.add_argument("--images", type=int, nargs="+", default=[500, 2500], help="pictures, for the memory")
    parser.add_argument("--compile", action="store_true", help="torch.compile as well")
    parser.add_argument("--markdown", type=Path, help="write the page there")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


def _results(asked: argparse.Namespace, folder: Path) -> Results:
    config = load_config(asked.config, [*PLAIN, f"paths.cache_dir={folder / 'cache'}", *asked.override])
    phantoms = {number: _phantom(config, folder / str(number), number) for number in asked.images}
    places = {"phantom": phantoms[asked.images[0]]} | ({"btxrd256": asked.data} if asked.data else {})
    variants = list(VARIANTS)
    if asked.compile:
        require_engine(config.with_overrides("training.compile=true").training)
        variants.append(COMPILED)
    return Results(
        command=f"python benchmarks/training_step.py {shlex.join(sys.argv[1:])}".strip(),
        machine=_machine(config, asked),
        batch=config.training.batch_size,
        variants=_variants(variants, config, asked),
        loops=_loops(places, config, asked),
        memory=_memory(phantoms, config, asked) if sys.platform == "linux" else [],
        profiles=[(v.name, _once(operators, v, config, asked.steps)) for v in (variants[0], variants[-1])],
    )


def _phantom(config: Config, place: Path, images: int) -> Path:
    generate_phantom(place, seed=config.seed, images=images, longest_side=PHANTOM_SIDE)
    return place


def _variants(variants: list[Variant], config: Config, asked: argparse.Namespace) -> list[tuple[str, float]]:
    turns = _turns([Worker(variant_step, variant, config, asked.steps) for variant in variants], asked.rounds)
    return [(variant.name, median(turn[number] for turn in turns)) for number, variant in enumerate(variants)]


def _loops(places: dict[str, Path], config: Config, asked: argparse.Namespace) -> list[tuple[str, str, Times]]:
    kinds = [(name, precision) for name in places for precision in PRECISIONS]
    configs = [config.with_overrides(f"data.root={places[n]}", f"training.precision={p}") for n, p in kinds]
    turns = _turns([Worker(loop_times, own, asked.steps) for own in configs], asked.rounds)
    return [(*kind, _median_times([turn[number] for turn in turns])) for number, kind in enumerate(kinds)]


def _median_times(turns: Sequence[Times]) -> Times:
    return Times(*(median(getattr(turn, name) for turn in turns) for name in ("loading", "rest", "alone")))


def _memory(phantoms: dict[int, Path], config: Config, asked: argparse.Namespace) -> list[tuple[int, bool, float]]:
    rows = []
    for copies in (False, True):
        for number, place in phantoms.items():
            # a cache of its own, so that decoding is measured as well
            own = [f"data.root={place}", f"paths.cache_dir={place / str(copies)}", f"training.annotations={copies}"]
            rows.append((number, copies, _once(peak_memory, config.with_overrides(*own), asked.steps)))
    return rows


def _turns(workers: list[Worker], rounds: int) -> list[list[Any]]:
    """Return the measurements of every round, in the order of the workers; they measure one at a time."""
    for worker in workers:
        worker.measure()  # prepares; the first turn is not counted
    turns = [[worker.measure() for worker in workers] for _ in range(rounds)]
    for worker in workers:
        worker.close()
    return turns


def _once(prepare: Callable[..., Callable[[], Any]], *arguments: Any) -> Any:
    worker = Worker(prepare, *arguments)
    measured = worker.measure()
    worker.close()
    return measured


def _machine(config: Config, asked: argparse.Namespace) -> str:
    threads = config.training.threads or torch.get_num_threads()
    return (
        f"{config.model.backbone}, {config.data.image_size} px, batch {config.training.batch_size}; torch "
        f"{torch.__version__}, {os.cpu_count()} cores, {threads} thread(s).\n"
        f"Medians of {asked.rounds} turns of {asked.steps} steps"
    )


def _page(results: Results) -> str:
    first = results.variants[0][1]
    alone = [
        (name, f"{1e3 * seconds:.0f}", f"{results.batch / seconds:.1f}", f"{first / seconds:.2f} x")
        for name, seconds in results.variants
    ]
    memory = [(f"{number:,}", "yes" if copies else "no", f"{mib:.0f}") for number, copies, mib in results.memory]
    profiles = "\n".join(_profile(name, rows) for name, rows in results.profiles)
    return f"""# Speed of training

Written by `{results.command}`.
{results.machine}, wall-clock time; other work on the machine moves the times more
than the ratios.

## The network alone

Forward, backward and AdamW on random numbers. Each line that begins with + has all of the one above it.

{_table(("way", "ms per step", "images/s", "against the first"), alone)}
## The loop

As `osteolens train` runs it, on the cached pictures, with random changes, gradient clipping and weight averaging where
the recipe has them, against the network alone in the same process. Loading is what the step waits for its batch.

{_table(LOOP_HEAD, [_loop_row(results.batch, *row) for row in results.loops])}
## Memory

The most that the process takes for itself (RssAnon), from decoding to the last step. Dimmed copies
(`training.annotations`) keep the lesions' masks.

{_table(("pictures", "dimmed copies", "MiB"), memory)}
## Where the time goes

The {TOP} operators that take longest themselves, of a step on the network alone, with the profiler's own cost.

{profiles}"""


def _loop_row(batch: int, name: str, precision: str, times: Times) -> tuple[str, ...]:
    step = times.loading + times.rest
    return (
        *(name, precision, f"{1e3 * step:.0f}", f"{1e3 * times.loading:.1f} ms", f"{times.loading / step:.1%}"),
        *(f"{batch / step:.1f}", f"{batch / times.alone:.1f}", f"{times.alone / step:.0%}"),
    )


def _profile(name: str, rows: list[tuple[str, float, float]]) -> str:
    total = sum(own for _, _, own in rows)
    cells = [(f"`{key}`", f"{calls:.0f}", f"{own:.1f}", f"{own / total:.1%}") for key, calls, own in rows[:TOP]]
    return f"**{name}**\n\n{_table(('operator', 'calls per step', 'own ms per step', 'share'), cells)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
