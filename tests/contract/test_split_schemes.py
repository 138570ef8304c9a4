"""Every split scheme keeps the same promises. The data set is the list of BTXRD itself, without its pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteolens.config import Config, load_config
from osteolens.data.cases import builtin_original_hashes, builtin_published_split
from osteolens.data.leakage import leakcheck, measure_leakage
from osteolens.data.manifest import Manifest, read_manifest
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.data.splits import check_split, expand_schemes, make_split, warnings_on, write_split
from osteolens.data.splits.schemes import FAMILIES, SCHEMES
from osteolens.domain import SCHEME_FAMILIES, SPLIT_NAMES, SPLIT_SCHEMES, image_stem
from osteolens.errors import DataError

FOLDS = [f"case-fold-{number}" for number in range(1, 6)]
SOURCES = ["source-b", "source-g", "source-y", "source-medpix", "source-radiopaedia"]
MEMBERS = [*SCHEMES, *FOLDS, *SOURCES]  # every scheme, a family by its members
RANDOM_SCHEMES = [name for name in MEMBERS if name != "published"]
BY_CASE = [name for name in RANDOM_SCHEMES if name != "stratified"]
CENTER_OF_SOURCE = {"radiopaedia": "2", "medpix": "3"}
SHARES = {  # of each class in train, val, test; the center scheme shares out 85/15 of center 1
    "stratified": (0.70, 0.15, 0.15),
    "case": (0.70, 0.15, 0.15),
    "center": (0.85, 0.15, 0.0),
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A data root with a stand-in for each file; identical originals have identical stand-ins."""
    root = tmp_path_factory.mktemp("btxrd_list")
    (root / "images").mkdir()
    for stem, digest in builtin_original_hashes().items():
        (root / "images" / f"{stem}.jpeg").write_text(digest)
    builtin_published_split()[["image_id", "label"]].to_csv(root / "dataset.csv", index=False)
    return load_config(None, [f"data.root={root}"])


@pytest.fixture(scope="module")
def data(config: Config) -> RadiographSet:
    loaded = load_radiographs(config.data)
    center = loaded.frame["source"].map(lambda source: CENTER_OF_SOURCE.get(source, "1"))
    return replace(loaded, frame=loaded.frame.assign(center=center))


@pytest.fixture(scope="module")
def manifests(data: RadiographSet, config: Config) -> dict[str, Manifest]:
    return {scheme: make_split(data, scheme, config) for scheme in MEMBERS}


def parts(manifest: Manifest) -> pd.Series[str]:
    return manifest.frame.set_index("image_id")["split"].sort_index()


def groups(manifest: Manifest) -> pd.DataFrame:
    content = manifest.frame["image_id"].map(image_stem).map(builtin_original_hashes())
    return pd.DataFrame({"case_id": manifest.frame["case_id"], "duplicate": content})


def test_the_registry_and_the_names_known_to_the_configuration_agree() -> None:
    assert sorted((*SCHEMES, *FAMILIES)) == sorted(SPLIT_SCHEMES)
    assert set(FAMILIES) == set(SCHEME_FAMILIES)


def test_families_have_the_members_that_are_checked_here(data: RadiographSet, config: Config) -> None:
    assert expand_schemes(SPLIT_SCHEMES, data, config) == [
        *("stratified", "center", "case"),
        *FOLDS,
        "published",
        *SOURCES,
    ]


def test_the_stand_in_is_the_size_of_btxrd(data: RadiographSet) -> None:
    assert data.frame["center"].value_counts().to_dict() == {"1": 2938, "2": 549, "3": 259}
    assert data.frame["case_id"].nunique() == 1403


@pytest.mark.parametrize("scheme", MEMBERS)
def test_every_image_has_one_part(manifests: dict[str, Manifest], data: RadiographSet, scheme: str) -> None:
    frame = manifests[scheme].frame
    listed = data.frame[data.frame["image_id"].isin(set(frame["image_id"]))]
    assert frame["image_id"].tolist() == listed["image_id"].tolist()
    assert frame["label"].tolist() == listed["label"].tolist()
    # three images of hospital b have copies among the normals of no known hospital: these are left out with their pools
    assert len(data.frame) - len(frame) == (21 if scheme == "source-b" else 0)
    assert set(frame["split"]) <= set(SPLIT_NAMES)
    assert set(frame["scheme"]) == {scheme}
    evaluated = manifests[scheme].part(manifests[scheme].evaluation_split)
    assert set(evaluated["label"]) == {"Normal", "Benign", "Malignant"}


@pytest.mark.parametrize("scheme", MEMBERS)
def test_the_division_is_repeatable_and_does_not_depend_on_the_order_of_the_rows(
    manifests: dict[str, Manifest], data: RadiographSet, config: Config, scheme: str
) -> None:
    assert parts(make_split(data, scheme, config)).equals(parts(manifests[scheme]))
    shuffled = replace(data, frame=data.frame.sample(frac=1, random_state=0).reset_index(drop=True))
    assert parts(make_split(shuffled, scheme, config)).equals(parts(manifests[scheme]))


@pytest.mark.parametrize("scheme", RANDOM_SCHEMES)
def test_another_seed_gives_another_division(
    manifests: dict[str, Manifest], data: RadiographSet, config: Config, scheme: str
) -> None:
    other = make_split(data, scheme, config.with_overrides("seed=43"))
    assert not parts(other).equals(parts(manifests[scheme]))


@pytest.mark.parametrize("scheme", RANDOM_SCHEMES)
def test_no_copy_of_a_train_image_is_evaluated_on(manifests: dict[str, Manifest], scheme: str) -> None:
    result = measure_leakage(manifests[scheme].frame, groups(manifests[scheme]))
    assert [entry["overall"]["duplicated"] for entry in result["evaluation"].values()] == [0, 0]


@pytest.mark.parametrize("scheme", BY_CASE)
def test_schemes_that_promise_it_share_no_case(manifests: dict[str, Manifest], scheme: str, tmp_path: Path) -> None:
    frame = manifests[scheme].frame
    assert frame.groupby("case_id")["split"].nunique().max() == 1
    result = leakcheck(manifests[scheme].write(tmp_path / "manifest.csv"))
    assert result["passed"] is True
    assert result["evaluation"]["test"]["overall"]["duplicated"] == 0  # looked up for a manifest with cases, too


@pytest.mark.parametrize("scheme", SHARES)
def test_every_class_is_shared_out_as_asked(manifests: dict[str, Manifest], scheme: str) -> None:
    frame = manifests[scheme].frame
    if scheme == "center":
        assert (frame["split"] == "test").equals(frame["center"] != "1")
        frame = frame[frame["center"] == "1"]
    for _, rows in frame.groupby("label"):
        for part, share in zip(SPLIT_NAMES, SHARES[scheme], strict=True):
            # rounding goes to the smaller parts, so train may lack up to one image for each of them
            assert abs((rows["split"] == part).sum() - share * len(rows)) < 2


def test_every_case_is_tested_on_exactly_once_over_the_folds(
    manifests: dict[str, Manifest], data: RadiographSet
) -> None:
    tested = pd.concat([manifests[name].part("test") for name in FOLDS])
    assert sorted(tested["image_id"]) == sorted(data.frame["image_id"])
    for name in FOLDS:
        for label, rows in manifests[name].part("test").groupby("label"):
            assert abs(len(rows) - (data.frame["label"] == label).sum() / 5) < 1
        rest = manifests[name].frame[manifests[name].frame["split"] != "test"]
        for _, rows in rest.groupby("label"):
            assert abs((rows["split"] == "val").sum() - 0.15 * len(rows)) < 2


@pytest.mark.parametrize(
    ("scheme", "counts"),  # Normal, Benign, Malignant of each source, as in its case table
    [
        ("source-b", (12, 547, 36)),
        ("source-g", (1, 55, 173)),
        ("source-y", (3, 508, 26)),
        ("source-medpix", (27, 201, 31)),
        ("source-radiopaedia", (259, 214, 76)),
    ],
)
def test_a_source_is_left_out_whole(
    manifests: dict[str, Manifest], data: RadiographSet, scheme: str, counts: tuple[int, ...]
) -> None:
    tested = manifests[scheme].part("test")
    assert tuple((tested["label"] == name).sum() for name in ("Normal", "Benign", "Malignant")) == counts
    assert len(set(tested["source"])) == 1
    assert not set(tested["source"]) & set(manifests[scheme].part("train")["source"])
    few = [n for n in counts if n < 10]
    assert any(f"only {few[0]} Normal" in text for text in warnings_on(manifests[scheme], data)) if few else True


@pytest.mark.parametrize("scheme", MEMBERS)
def test_a_manifest_checks_itself_against_the_data_set(
    manifests: dict[str, Manifest], data: RadiographSet, config: Config, scheme: str, tmp_path: Path
) -> None:
    path = write_split(tmp_path / f"{scheme}.csv", manifests[scheme], data, config)
    check_split(path, read_manifest(path), data, config)
    labels = data.frame["label"].where(data.frame["image_id"] != "IMG000001.jpeg", "Normal")
    other = replace(data, frame=data.frame.assign(label=labels))
    with pytest.raises(DataError, match="have another label, for example IMG000001"):
        check_split(path, read_manifest(path), other, config)


def test_the_stratified_split_shares_cases_and_its_measure_says_so(manifests: dict[str, Manifest]) -> None:
    result = measure_leakage(manifests["stratified"].frame, groups(manifests["stratified"]))
    assert result["passed"] is False
    assert 0.5 < result["evaluation"]["test"]["tumours"]["shared_fraction"] < 0.7  # the known split: 60.6%


def test_the_published_split_is_taken_over_as_it_is(manifests: dict[str, Manifest]) -> None:
    published = builtin_published_split().set_index("image_id")["split"].sort_index()
    assert np.array_equal(parts(manifests["published"]).to_numpy(), published.to_numpy())
    assert manifests["published"].selection_split is None
