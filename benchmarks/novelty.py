"""Which pictures are refused: gates and novelty of a trained network, on radiographs and on what is none.

Run ``python benchmarks/novelty.py --checkpoint FILE --run FOLDER --data ../shared/btxrd256 --cache-dir FOLDER``. The
distance is fitted on the train part of the run's manifest and its threshold chosen on val; test is only reported. Films
of limbs from elsewhere are those of ``../shared``; pictures that are no radiographs come from
``benchmarks/novelty_pictures.py``. Features are kept in the cache folder, so a second run takes seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from novelty_page import page
from novelty_pictures import SHARED, dicom_grey, strangers
from novelty_scores import SCORES, Trained
from numpy.typing import NDArray

from osteolens.data.cache import cached_pictures
from osteolens.data.colour import coloured_share, differing_share
from osteolens.data.images import Reading, decode, read_file
from osteolens.data.manifest import read_manifest
from osteolens.data.preprocessing import resize
from osteolens.domain import Column, Preprocessing, image_stem
from osteolens.inference.gates import Look, look_at
from osteolens.models.checkpoint import load_checkpoint, restore_model
from osteolens.models.forward import network_outputs
from osteolens.palette import PALETTE
from osteolens.storage import atomic_writer, sha256_file, write_text

ELSEWHERE = ("331_DDH_1", "331_DDH_10", "331_DDH_107", "331_DDH_115", "RG2_UNC", "RG3_UNC")  # hips and a lower leg


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of one set: inputs [N, S, S], kind, file or case they came from, class, and how they look from afar."""

    inputs: NDArray[np.uint8]
    kinds: NDArray[np.str_]
    origins: NDArray[np.str_]
    labels: NDArray[np.str_]
    looks: Sequence[Look]


def _of_files(
    paths: Sequence[Path],
    kinds: Sequence[str],
    record: Preprocessing,
    cache_dir: Path,
    *,
    origins: Sequence[str] = (),
    labels: Sequence[str] = (),
) -> Pictures:
    looks = []
    for path in paths:
        data = read_file(path)
        looks.append(look_at(decode(data, name=path.name, at_least=256), colour=coloured_share(data)))
    named = np.array(origins or [path.stem for path in paths])
    return Pictures(
        np.asarray(cached_pictures(paths, record, cache_dir)), np.array(kinds), named, np.array(labels), looks
    )


def btxrd(root: Path, run: Path, record: Preprocessing, cache_dir: Path) -> Pictures:
    """Return all pictures of the run's manifest; the kind is the part, the origin the case."""
    rows = read_manifest(run / "manifest.csv").frame
    files = {path.stem: path for path in (root / "images").iterdir()}
    paths = [files[image_stem(name)] for name in rows[Column.IMAGE_ID]]
    cases, labels = rows[Column.CASE].tolist(), rows[Column.LABEL].tolist()
    return _of_files(paths, rows[Column.SPLIT].tolist(), record, cache_dir, origins=cases, labels=labels)


def from_elsewhere(shared: Path, record: Preprocessing, cache_dir: Path) -> list[Pictures]:
    """Return radiographs of limbs that are not of the release at 256 pixels."""
    found = []
    for kind, folder in (
        ("FracAtlas limbs", shared / "fracatlas_sample" / "images"),
        ("BTXRD originals", shared / "btxrd_originals"),
    ):
        if paths := sorted(folder.glob("*.jp*g")):
            found.append(_of_files(paths, [kind] * len(paths), record, cache_dir))
    paths = [path for name in ELSEWHERE if (path := shared / "dicom" / f"{name}.dcm").is_file()]
    if paths:
        found.append(_of_arrays("DICOM hips and leg", paths, [dicom_grey(path) for path in paths], record))
    return found


def _of_arrays(
    kind: str, paths: Sequence[Path], pictures: Sequence[NDArray[np.uint8]], record: Preprocessing
) -> Pictures:
    readings = [Reading(grey, (grey.shape[0], grey.shape[1])) for grey in pictures]
    return Pictures(
        np.stack([resize(reading.grey, record) for reading in readings]),
        np.array([kind] * len(paths)),
        np.array([path.stem for path in paths]),
        np.array([]),
        [look_at(reading) for reading in readings],
    )


def no_radiographs(shared: Path, record: Preprocessing) -> Pictures:
    """Return the pictures of ``benchmarks/novelty_pictures.py``."""
    found, inputs, looks = strangers(shared), [], []
    for stranger in found:
        pixels, colour = stranger.pixels, 0.0
        if pixels.ndim == 3:
            colour = differing_share(pixels)
            pixels = (pixels @ np.array([0.299, 0.587, 0.114]) + 0.5).astype(np.uint8)
        reading = Reading(pixels, (pixels.shape[0], pixels.shape[1]))
        inputs.append(resize(pixels, record))
        looks.append(look_at(reading, colour=colour))
    kinds, origins = ([getattr(stranger, name) for stranger in found] for name in ("kind", "origin"))
    return Pictures(np.stack(inputs), np.array(kinds), np.array(origins), np.array([]), looks)


def features_of(checkpoint_file: Path, sets: dict[str, Pictures], cache_dir: Path) -> dict[str, NDArray[np.float32]]:
    """Return the pooled features of each set and the last layer, computed once for a checkpoint and these sets."""
    sizes = "_".join(str(len(pictures.inputs)) for pictures in sets.values())
    kept = cache_dir / f"novelty_{sha256_file(checkpoint_file)[:16]}_{sizes}.npz"
    if not kept.is_file():
        model, record = restore_model(load_checkpoint(checkpoint_file), checkpoint_file)
        layer = model.network.get_classifier()
        found = {name: network_outputs(model, pictures.inputs, record).features for name, pictures in sets.items()}
        found |= {"weight": layer.weight.detach().numpy(), "bias": layer.bias.detach().numpy()}
        with atomic_writer(kept) as stream:
            np.savez(stream, **found)
    with np.load(kept) as stored:
        return dict(stored)


def draw(scores: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]], path: Path) -> None:
    """Draw which share of other pictures is refused at each share of BTXRD's test part, by score alone."""
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for number, (name, (known, strange)) in enumerate(scores.items()):
        limits = np.quantile(known, 1 - np.linspace(0, 0.3, 121))
        shares = [(strange > limit).mean() for limit in limits]
        dashes = ("-", "--", ":", "-.")[number % 4]
        axes.plot(np.linspace(0, 0.3, 121), shares, dashes, color=PALETTE[number % len(PALETTE)], label=name.strip("*"))
    axes.axvline(0.05, color="0.6", linewidth=0.8)
    axes.set(xlabel="share of BTXRD test images refused", ylabel="share of other pictures refused", ylim=(0, 1.01))
    axes.legend(fontsize=8)
    with atomic_writer(path) as stream:
        figure.savefig(stream, format="png", dpi=110)


def main() -> None:
    """Measure, print the page and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--checkpoint", "--run", "--data", "--cache-dir"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of the other films")
    parser.add_argument("--markdown", type=Path, help="write the page there")
    parser.add_argument("--figure", type=Path, help="write the curves there, PNG")
    asked = parser.parse_args()
    _, record = restore_model(load_checkpoint(asked.checkpoint), asked.checkpoint)
    sets = {"btxrd": btxrd(asked.data, asked.run, record, asked.cache_dir)}
    sets |= {pictures.kinds[0]: pictures for pictures in from_elsewhere(asked.shared, record, asked.cache_dir)}
    sets["none"] = no_radiographs(asked.shared, record)
    found = features_of(asked.checkpoint, sets, asked.cache_dir)
    known = sets["btxrd"]
    train = known.kinds == "train"
    _, labels = np.unique(known.labels[train], return_inverse=True)
    trained = Trained(found["btxrd"][train], labels, found["weight"], found["bias"])
    scores = {}
    for name, fit in SCORES.items():
        score = fit(trained)
        scores[name] = {key: score(found[key]) for key in sets}
    text = page(sets, scores, asked.checkpoint.stem, asked.figure)
    print(text)
    if asked.figure:
        test = known.kinds == "test"
        draw({name: (values["btxrd"][test], values["none"]) for name, values in scores.items()}, asked.figure)
    if asked.markdown:
        write_text(asked.markdown, text)


if __name__ == "__main__":
    main()
