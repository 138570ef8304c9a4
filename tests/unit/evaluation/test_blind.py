from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from osteolens.config import load_config
from osteolens.data.image_facts import subgroup_columns
from osteolens.data.radiographs import load_radiographs
from osteolens.data.splits import make_split
from osteolens.evaluation.blind import BLIND_MODELS, blind_predictions, blind_scores
from osteolens.evaluation.facts import ImageFacts, gather_facts
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling

CLASSES = ("Normal", "Benign", "Malignant")
TRAIN, TEST = 240, 60


def made_up(*, seed: int = 5) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Manifest, metadata and headers: the site is given for tumours only, and malignant tumours are of the old."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=TRAIN + TEST)
    ids = [f"IMG{row:04d}" for row in range(TRAIN + TEST)]
    manifest = pd.DataFrame({"image_id": ids, "label": np.array(CLASSES)[labels], "case_id": ids, "center": "1"})
    manifest["split"] = np.repeat(["train", "test"], [TRAIN, TEST])
    manifest["source"] = np.where(labels == 0, "a", "b+c")
    metadata = pd.DataFrame(
        {
            "image_id": ids,
            "age": np.where(generator.random(len(ids)) < 0.1, math.nan, 20 + 20 * labels + generator.normal(0, 8, 300)),
            "gender": generator.choice(["F", "M", ""], len(ids)),
            "view": generator.choice(["frontal", "lateral", "frontal+lateral"], len(ids)),
            "region": "lower limb",
            "site": np.where(labels == 0, "", generator.choice(["femur", "femur+tibia"], len(ids))),
        }
    )
    headers = pd.DataFrame(
        {"image_id": ids, "width": 256, "height": 256, "mode": "L", "bytes": generator.integers(5000, 9000, len(ids))}
    )
    return manifest, metadata, headers


def table_of(manifest: pd.DataFrame) -> PredictionsTable:
    """A model that answers at random."""
    test = manifest[manifest["split"] == "test"]
    return PredictionsTable.from_arrays(
        CLASSES,
        image_ids=test["image_id"],
        labels=test["label"],
        probabilities=np.random.default_rng(0).dirichlet(np.ones(3), len(test)),
    )


def facts_of(manifest: pd.DataFrame, metadata: pd.DataFrame | None, headers: pd.DataFrame | None) -> ImageFacts:
    return gather_facts(table_of(manifest), manifest, metadata, headers)


def test_the_model_is_scikit_learns_on_numbers_and_one_column_a_text() -> None:
    manifest, metadata, headers = made_up()
    facts = facts_of(manifest, metadata, headers)
    assert facts.train is not None
    inputs = ("age", "gender", "view", "site")
    found = blind_predictions(facts.table, facts.train, facts.evaluated, inputs).probabilities
    matrix = np.column_stack(
        [
            metadata["age"],
            *(metadata["gender"] == name for name in ("F", "M")),
            *(metadata["view"].str.contains(name) for name in ("frontal", "lateral")),
            *(metadata["site"].str.contains(name) for name in ("femur", "tibia")),
        ]
    ).astype(float)
    labels = manifest["label"].map(CLASSES.index)
    model = HistGradientBoostingClassifier(random_state=1).fit(matrix[:TRAIN], labels[:TRAIN])
    np.testing.assert_allclose(found, model.predict_proba(matrix[TRAIN:]), atol=1e-12)


def test_scores_tell_what_the_table_gives_away() -> None:
    manifest, metadata, headers = made_up()
    found = blind_scores(facts_of(manifest, metadata, headers), Resampling(200))
    assert list(found) == list(BLIND_MODELS)
    with_site = found["demographics_and_site"]
    assert with_site["inputs"] == ["age", "gender", "view", "region", "site"]
    assert with_site["n_train"] == TRAIN
    assert with_site["scores"]["sensitivity"]["Normal"]["value"] == 1
    assert with_site["filled"]["site"] == {"Benign": 1.0, "Malignant": 1.0, "Normal": 0.0}
    assert with_site["constant"] == ["region"]
    assert with_site["advantage"]["accuracy"]["high"] < 0
    assert found["source"]["single_class"] == {"source": {"a": "Normal"}}  # b+c is one source, and of two classes
    assert found["image_header"]["constant"] == ["width", "height", "mode"]
    test = manifest[manifest["split"] == "test"]["label"]
    commonest = manifest[manifest["split"] == "train"]["label"].mode()[0]
    shares = found["class_shares"]["scores"]
    assert shares["accuracy"]["value"] == pytest.approx((test == commonest).mean())
    assert shares["macro_auc"]["value"] == pytest.approx(0.5)


def test_the_order_of_the_rows_does_not_matter() -> None:
    manifest, metadata, headers = made_up()
    facts = facts_of(manifest, metadata, headers)
    shuffled = [frame.sample(frac=1, random_state=4) for frame in (manifest, metadata, headers)]
    again = gather_facts(table_of(manifest), *shuffled)
    for inputs in BLIND_MODELS.values():
        first, second = (
            blind_predictions(known.table, known.train, known.evaluated, inputs).probabilities
            for known in (facts, again)
            if known.train is not None
        )
        np.testing.assert_array_equal(first, second)


def test_a_source_that_train_lacks_counts_as_none() -> None:
    manifest, metadata, _ = made_up()
    manifest.loc[[TRAIN, TRAIN + 1], "source"] = ["elsewhere", ""]
    facts = facts_of(manifest, metadata, None)
    assert facts.train is not None
    answered = blind_predictions(facts.table, facts.train, facts.evaluated, ("source",)).probabilities
    np.testing.assert_array_equal(answered[0], answered[1])
    manifest.loc[manifest["split"] == "test", "source"] = "elsewhere"
    found = blind_scores(facts_of(manifest, metadata, None), Resampling(100))
    assert found["source"]["reason"] == "no evaluated image shares its source with the train part"
    assert found["demographics"]["possible"] is True


def test_no_value_is_not_a_value_in_common() -> None:
    manifest, metadata, _ = made_up()
    manifest.loc[[0, TRAIN], "source"] = ""  # an image of train and one of test
    manifest.loc[TRAIN + 1 :, "source"] = "elsewhere"
    found = blind_scores(facts_of(manifest, metadata, None), Resampling(100))
    assert found["source"]["reason"] == "no evaluated image shares its source with the train part"


def test_texts_joined_in_one_cell_are_known_by_their_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BLIND_MODELS, "site", ("site",))
    manifest, metadata, _ = made_up()
    metadata["site"] = np.where(np.arange(len(metadata)) < TRAIN, "femur", "femur+tibia")
    assert blind_scores(facts_of(manifest, metadata, None), Resampling(100))["site"]["possible"] is True
    metadata["site"] = np.where(np.arange(len(metadata)) < TRAIN, "femur", "tibia+fibula")
    reason = blind_scores(facts_of(manifest, metadata, None), Resampling(100))["site"]["reason"]
    assert reason == "no evaluated image shares its anatomical site with the train part"


def test_a_class_that_train_lacks_is_never_answered() -> None:
    manifest, metadata, _ = made_up()
    facts = facts_of(manifest[(manifest["split"] == "test") | (manifest["label"] != "Benign")], metadata, None)
    assert facts.train is not None
    for inputs in ((), ("age", "site")):
        answered = blind_predictions(facts.table, facts.train, facts.evaluated, inputs).probabilities
        assert (answered[:, 1] == 0).all()


def test_what_is_missing_is_named() -> None:
    manifest, metadata, headers = made_up()
    resampling = Resampling(100)
    found = blind_scores(facts_of(manifest, metadata.drop(columns=["view", "site"]), None), resampling)
    assert found["demographics"]["reason"] == "view not known for any train image"
    assert found["demographics_and_site"]["reason"] == "view, anatomical site not known for any train image"
    assert found["image_header"]["reason"] == "width, height, colour mode, file size not known for any train image"
    assert found["source"]["possible"] is True
    found = blind_scores(facts_of(manifest, metadata, headers[headers.index < TRAIN]), resampling)
    assert found["image_header"]["reason"] == "width, height, colour mode, file size not known for any evaluated image"
    one_class = manifest[(manifest["split"] == "test") | (manifest["label"] == "Normal")]
    found = blind_scores(facts_of(one_class, metadata, headers), resampling)
    assert {model["reason"] for name, model in found.items() if name != "demographics_and_site"} == {
        "the train part has one class only"
    }
    found = blind_scores(gather_facts(table_of(manifest)), resampling)
    assert not any(model["possible"] for model in found.values())


@pytest.mark.slow
@pytest.mark.real_data
def test_the_published_split_is_solved_without_pixels(btxrd256: Path) -> None:
    config = load_config(None, [f"data.root={btxrd256}"])
    data = load_radiographs(config.data)
    frame = make_split(data, "published", config).frame
    metadata = data.frame[["image_id"]].assign(**subgroup_columns(data.frame))
    part = frame[frame["split"] == "val"]
    table = PredictionsTable.from_arrays(
        CLASSES,
        image_ids=part["image_id"],
        labels=part["label"],
        probabilities=np.full((len(part), 3), 1 / 3),
        split="val",
    )
    found = blind_scores(gather_facts(table, frame, metadata), Resampling(100))
    assert found["demographics_and_site"]["n_train"] == 2995
    scores = found["demographics_and_site"]["scores"]
    assert scores["n"] == 751
    assert scores["accuracy"]["value"] == pytest.approx(0.924, abs=0.005)
    assert scores["macro_auc"]["value"] == pytest.approx(0.971, abs=0.005)
    assert found["demographics_and_site"]["filled"]["site"] == {"Benign": 1.0, "Malignant": 1.0, "Normal": 0.0}
    assert found["demographics"]["scores"]["accuracy"]["value"] < 0.65
    assert found["image_header"]["possible"] is False
