"""A finished run as its files: real figures of made-up answers, with cases, sources, metadata, maps and corruptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osteolens.config import Config
from osteolens.evaluation.corruption import corruption_curves
from osteolens.evaluation.evaluate import evaluate
from osteolens.evaluation.parts import predictions_sha256
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.storage import RunFolder, write_json, write_table

CLASSES = ("Normal", "Benign", "Malignant")
PIXEL = bytes.fromhex(  # a PNG of one white pixel
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)
RESAMPLES = 100
MAP_SCORES = (
    *("iou_0.3", "iou_0.5", "pointing_game", "energy", "area_share", "energy_ratio"),
    *("ceiling", "of_ceiling_0.5", "average_precision"),
)
BASELINES = {"centre_prior": 0.0567, "edge_density": 0.0345, "random_weights": 0.0234}
PARTS = {"train": 72, "val": 48, "test": 54}  # images


def make_run(
    root: Path, scheme: str = "case", *, shared: bool = False, complete: bool = True, seed: int = 3
) -> RunFolder:
    """Write the run ``<root>/tiny/<scheme>``.

    Parameters
    ----------
    shared
        Whether a third of the test images are of cases in train.
    complete
        Whether maps and corruptions were made too, and a validation part is there.
    """
    run = RunFolder(root / "tiny" / scheme)
    settings = (f"training.split_strategy={scheme}", "data.root=/somebodys/folder", "training.epochs=3")
    Config().with_overrides("experiment=tiny", *settings).save(run.config)
    frame = _images(scheme, shared, with_val=complete, seed=seed)
    write_table(run.manifest, frame.drop(columns=list(_METADATA)))
    leakage = _leakage(frame)
    write_json(run.leakage, leakage)
    write_json(run.provenance, _provenance())
    write_table(run.log, pd.DataFrame(_LOG))
    run.curves.write_bytes(PIXEL)
    parts = {part: _answers(frame[frame["split"] == part], seed) for part in ("val", "test")[not complete :]}
    predictions = pd.concat([table.frame for table in parts.values()], ignore_index=True)
    write_table(run.predictions, predictions.assign(checkpoint_sha256="0a1b" * 16))
    metadata = frame[["image_id", *_METADATA]].drop(columns=list(_HEADERS))
    evaluate(
        parts["test"],
        run.evaluation,
        Resampling(RESAMPLES, seed=seed),
        validation=parts.get("val"),
        manifest=frame.drop(columns=list(_METADATA)),
        metadata=metadata,
        headers=frame[["image_id", *_HEADERS]],
        leakage=leakage,
    )
    if complete:
        _write_maps(run, parts["test"])
        _write_corruptions(run, parts["test"], seed)
    return run


def audit_record() -> dict[str, Any]:
    """Return what the reports read of ``data_audit.json``."""
    counts = {"Normal": 1203, "Benign": 417, "Malignant": 89}
    return {
        "images": 1709,
        "annotated": 506,
        "classes": counts,
        "tables": {"center": {"1": counts}, "source": {"b": counts}},
        "annotations": {"lesions": 533},
        "duplicates": {"groups_by_file": 7},
        "metadata": {"warnings": 13},
        "findings": [
            {"severity": "problem", "text": "7 groups of identical files with different labels."},
            {"severity": "problem", "text": "Split case: 61.5% of the test images are shared."},
            {"severity": "note", "text": "13 departures of the metadata from the schema."},
        ],
    }


_HEADERS = ("width", "height", "mode", "bytes")
_METADATA = ("age", "gender", "view", "region", "site", "subtype", "lesion_area", *_HEADERS)
_LOG = {
    "epoch": [1, 2, 3],
    "train_loss": [3.25, 2.5, 1.75],
    "val_macro_auc": [0.512, 0.768, 0.634],
    "seconds": [31.0, 32.0, 33.0],
}


def _images(scheme: str, shared: bool, *, with_val: bool, seed: int) -> pd.DataFrame:
    """Return manifest and metadata of all images: two of each case, three classes in turn, three sources."""
    generator = np.random.default_rng(seed)
    parts = {part: number for part, number in PARTS.items() if with_val or part != "val"}
    split = np.repeat(list(parts), list(parts.values()))
    images = len(split)
    label = np.array(CLASSES)[(np.arange(images) // 2) % 3]
    cases = np.array([f"patient-{index // 2}" for index in range(images)])
    if shared:
        cases[-18:] = cases[:18]
    tumour = label != "Normal"
    columns: dict[str, Any] = {
        "image_id": [f"IMG{index:06d}.jpeg" for index in range(images)],
        "split": split,
        "label": label,
        "case_id": cases,
        "center": "2",
        "source": generator.choice(["north", "south", "west"], images),
        "scheme": scheme,
        "seed": "42",
        "age": generator.integers(5, 80, images),
        "gender": generator.choice(["F", "M"], images),
        "view": generator.choice(["frontal", "lateral"], images),
        "region": "lower limb",
        "site": np.where(tumour, generator.choice(["femur", "tibia"], images), ""),
        "subtype": np.where(tumour, np.where(label == "Benign", "osteochondroma", "osteosarcoma"), ""),
        "lesion_area": np.where(tumour, generator.uniform(0.001, 0.08, images), np.nan),
        "width": generator.integers(400, 3000, images),
        "height": generator.integers(400, 3000, images),
        "mode": "L",
        "bytes": generator.integers(20_000, 900_000, images),
    }
    return pd.DataFrame(columns)


def _answers(part: pd.DataFrame, seed: int) -> PredictionsTable:
    generator = np.random.default_rng([seed, len(part)])
    truth = np.array([[name == label for name in CLASSES] for label in part["label"]])
    scores = np.exp(generator.normal(size=truth.shape) + 1.3 * truth)
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=part["image_id"],
        labels=part["label"],
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        case_id=part["case_id"],
        split=part["split"],
        source=part["source"],
    )


def _leakage(frame: pd.DataFrame) -> dict[str, Any]:
    train = frame[frame["split"] == "train"]
    evaluation = {}
    for part in (name for name in ("val", "test") if (frame["split"] == name).any()):
        inside = frame[frame["split"] == part]
        shared = inside["case_id"].isin(set(train["case_id"]))
        tumour = inside["label"] != "Normal"
        evaluation[part] = {
            "per_class": {name: _share(shared[inside["label"] == name]) for name in CLASSES},
            "overall": _share(shared),
            "tumours": _share(shared[tumour]),
        }
    shared_images = evaluation["test"]["overall"]["shared"]
    return {
        "train_images": len(train),
        "limit": 0.0,
        "evaluation": evaluation,
        "passed": not shared_images,
        "sentence": f"The sentence on {shared_images} shared test images.",
    }


def _share(shared: pd.Series[bool]) -> dict[str, Any]:
    fraction = float(shared.mean())
    return {"n": len(shared), "shared": int(shared.sum()), "shared_fraction": fraction, "duplicated": 0}


def _provenance() -> dict[str, Any]:
    packages = {"torch": "2.9.1", "timm": "1.0.22"}
    return {
        "osteolens": "0.1.0",
        "commit": "f00dfeedbeef",
        "packages": packages,
        "device": "cpu",
        "platform": "Linux x86_64",
        "data": "d00d4d00d4",
        "seed": 42,
        "note": "<script>alert(1)</script>",
    }


def _write_maps(run: RunFolder, table: PredictionsTable) -> None:
    report = {
        "predictions_sha256": predictions_sha256(table),
        "n": 36,
        "cases": 18,
        "warnings": ["1 of 36 maps is 0 everywhere."],
        "overall": _map_scores(0.1234),
        **{name: _map_scores(offset) for name, offset in BASELINES.items()},
        "all_shapes": _map_scores(0.1111),
        "differences": {name: _map_scores(offset / 10) for name, offset in BASELINES.items()},
        "per_class": {"Benign": _map_group(18, 0.06), "Normal": _map_group(0, 0.0)},
        "per_size_band": {"0.3-1%": _map_group(36, 0.07)},
        "per_source": {"atlas": _map_group(12, 0.08)},
        "per_subtype": {},
    }
    write_json(run.explanation / "annotation_report.json", report)
    (run.explanation / "annotation_comparison.png").write_bytes(PIXEL)
    _write_proof(run, table)
    groups = {
        "TP": {"total": 7, "cases": 5, "shown": [{}, {}]},
        "FP": {"total": 0, "cases": 0, "shown": []},
        "FN": {"total": 1, "cases": 1, "shown": [{}]},
    }
    galleries = {name: {"file": f"gallery_{name}.png", "groups": groups} for name in CLASSES}
    write_json(run.explanation / "gallery_index.json", {"galleries": galleries, "choice": "The most confident ones."})
    _write_map_pictures(run, table)
    for gallery in galleries.values():
        (run.explanation / str(gallery["file"])).write_bytes(PIXEL)


def _write_map_pictures(run: RunFolder, table: PredictionsTable) -> None:
    """Write what the page of all maps shows: one annotated image, answered as its label or not, and its scores."""
    record = table.frame.iloc[-1]
    facts = {"case_id": record["case_id"], "source": record["source"], "center": "", "subtype": "osteosarcoma"}
    facts |= {"image_id": record["image_id"], "truth": record["label"], "answer": record["predicted"]}
    nothing = {"class": None, "probability": None, "zero": None}
    panels = [{"file": "pictures/one.jpg", "shows": "radiograph", **nothing}]
    image = {
        **facts,
        "probability": 0.5,
        "truth_probability": 0.3,
        "annotated": True,
        "area_share": 0.02,
        "galleries": [],
        "panels": panels,
    }
    image |= {"width": 8, "height": 8, "outline": "M1,1 5,1 5,5Z"}
    record = {"predictions_sha256": predictions_sha256(table), "classes": list(CLASSES), "images": [image]}
    write_json(run.explanation / "map_pictures.json", record)
    scores = {"image_id": [facts["image_id"]], "size_band": ["1-3%"], "ceiling": [0.6], "iou_0.5": [0.2]}
    write_table(run.explanation / "annotation_scores.csv", pd.DataFrame(scores))


def _map_group(images: int, offset: float) -> dict[str, Any]:
    baselines = {name: _map_scores(offset + lower) for name, lower in BASELINES.items()}
    return {"n": images, "cases": images // 2, **_map_scores(offset), "baselines": baselines}


def _write_proof(run: RunFolder, table: PredictionsTable) -> None:
    def area(value: float) -> dict[str, Any]:
        return {"value": value, "low": value - 0.01, "high": value + 0.01, "n": 24, "reason": None}

    def likeness(value: float) -> dict[str, Any]:
        return {name: area(value) for name in ("spearman", "overlap", "same_maximum")}

    def curves(shift: float) -> dict[str, Any]:
        orders = {"map": 0.31, "random": 0.42, "body": 0.32 + shift, "centre": 0.45}
        return {
            "auc": {order: area(value) for order, value in orders.items()},
            "differences": {order: area(0.31 - value) for order, value in orders.items() if order != "map"},
        }

    def fill(words: str, confident: str | None) -> dict[str, Any]:
        by_class = {
            name: {"deletion": curves(0.04 * place), "insertion": curves(-0.04 * place)}
            for place, name in enumerate(CLASSES)
        }
        record = {"fill": words, "answer": dict(zip(CLASSES, (0.02, 0.07, 0.91), strict=True))}
        overall = {"deletion": curves(0.02), "insertion": curves(0.03)}
        return record | overall | {"confident_of": confident, "per_answered_class": by_class}

    steps = [
        {"stage": stage, **likeness(value), "of_draws": {"spearman": [value - 0.055, value + 0.045]}}
        for stage, value in (("classifier", 0.71), ("conv_stem, bn1", 0.12))
    ]
    fills = {"blurred": fill("the blurred picture", CLASSES[2]), "scrambled": fill("the picture scrambled", None)}
    proof = {
        "predictions_sha256": predictions_sha256(table),
        "n": 24,
        "cases": 12,
        "split": "test",
        "drawn": {name: {"n": 8, "cases": 7} for name in CLASSES},
        "randomisation": {"draws": 2, "steps": steps, "unrelated": likeness(0.15)},
        "deletion_insertion": {"confident_from": 2 / 3, "fills": fills},
    }
    write_json(run.explanation / "sanity.json", proof)
    (run.explanation / "sanity.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")


def _map_scores(offset: float) -> dict[str, Any]:
    values = {name: 0.1 * place + offset for place, name in enumerate(MAP_SCORES)}
    return {
        name: {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 36, "reason": None}
        for name, value in values.items()
    }


def _write_corruptions(run: RunFolder, clean: PredictionsTable, seed: int) -> None:
    worse = clean.probabilities[:, [1, 0, 2]]  # Normal and Benign exchanged
    frame = clean.frame
    corrupted = PredictionsTable.from_arrays(
        CLASSES,
        image_ids=frame["image_id"],
        labels=frame["label"],
        probabilities=worse,
        case_id=frame["case_id"],
        split=frame["split"],
    )
    curves = corruption_curves(clean, {("blur", 1.5): corrupted}, Resampling(RESAMPLES, seed=seed))
    words = {"title": "blur", "description": "Soft edges", "unit": "pixels", "one_step": False, "strengths": [1.5]}
    record = {
        "class_names": list(CLASSES),
        "split": "test",
        "predictions_sha256": predictions_sha256(clean),
        "confidence": 0.95,
        "resamples": RESAMPLES,
        "corruptions": {"blur": words},
        "not_measured": ["noise"],
        **curves,
    }
    write_json(run.robustness / "corruption.json", record)
    (run.robustness / "corruption_curves.png").write_bytes(PIXEL)
