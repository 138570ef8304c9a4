"""What every scheme promises, on case tables drawn at random."""

from __future__ import annotations

import random
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteolens.config import load_config
from osteolens.data.manifest import Manifest
from osteolens.data.radiographs import RadiographSet, load_radiographs
from osteolens.data.splits import expand_schemes, make_split

SOURCES = ("hospital_a", "hospital_b", "web")
SOURCE_OF = dict(zip(("source-a", "source-b", "source-web"), SOURCES, strict=True))
FOLDS = ["case-fold-1", "case-fold-2", "case-fold-3"]
CONFIG = load_config(None, ["data.folds=3"])

# label, case, source and content of each image: cases may cross sources, and files may be copies across cases
Images = list[tuple[str, int, str, int]]
# what every draw holds: two unrelated images of two classes in each source
ANCHORS: Images = [
    (label, 90 + number, source, number)
    for number, (source, label) in enumerate(
        (source, label) for source in SOURCES for label in ("Normal", "Benign") * 2
    )
]
images = st.lists(
    st.tuples(
        st.sampled_from(["Normal", "Benign", "Malignant"]),
        st.integers(0, 25),
        st.sampled_from(SOURCES),
        st.integers(len(ANCHORS), 60),
    ),
    max_size=40,
).map(lambda drawn: [*drawn, *ANCHORS])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> RadiographSet:
    """Files 0 to 60, each with a content of its own."""
    root = tmp_path_factory.mktemp("base")
    (root / "images").mkdir()
    for number in range(61):
        (root / "images" / f"{number}.png").write_text(f"content {number}")
    table = "\n".join(["image_id,label", *(f"{number}.png,Normal" for number in range(61))])
    (root / "dataset.csv").write_text(table)
    return load_radiographs(CONFIG.with_overrides(f"data.root={root}").data)


def data_of(drawn: Images, base: RadiographSet) -> RadiographSet:
    frame = pd.DataFrame(
        [(f"i{n:02d}.png", label, f"c{case}", source) for n, (label, case, source, _) in enumerate(drawn)],
        columns=["image_id", "label", "case_id", "source"],
    ).assign(center=lambda table: table["source"].str[:3])
    paths = {f"i{n:02d}": base.paths[str(content)] for n, (*_, content) in enumerate(drawn)}
    return replace(base, frame=frame, paths=paths)


def check(manifest: Manifest, drawn: Images) -> None:
    """No image twice, no case and no content on two sides; cases and contents come straight from the draw."""
    parts: dict[tuple[str, int], set[str]] = {}
    names = manifest.frame["image_id"].tolist()
    assert len(set(names)) == len(names)
    for name, part in zip(names, manifest.frame["split"], strict=True):
        _, case, _, content = drawn[int(name[1:3])]
        parts.setdefault(("case", case), set()).add(part)
        parts.setdefault(("content", content), set()).add(part)
    assert all(len(found) == 1 for found in parts.values())


@given(drawn=images)
@settings(max_examples=30, deadline=None)
def test_no_case_and_no_copy_is_on_two_sides(base: RadiographSet, drawn: Images) -> None:
    data = data_of(drawn, base)
    schemes = expand_schemes(["case", "source", "center"], data, CONFIG)
    assert schemes == ["case", *SOURCE_OF, "center"]
    for scheme in schemes:
        made = make_split(data, scheme, CONFIG)
        check(made, drawn)
        if scheme in SOURCE_OF:
            tested = {f"i{n:02d}.png" for n, image in enumerate(drawn) if image[2] == SOURCE_OF[scheme]}
            assert set(made.part("test")["image_id"]) == tested


@given(drawn=images)
@settings(max_examples=30, deadline=None)
def test_folds_test_on_each_image_once(base: RadiographSet, drawn: Images) -> None:
    data = data_of(drawn, base)
    made = [make_split(data, scheme, CONFIG) for scheme in FOLDS]
    for manifest in made:
        check(manifest, drawn)
        assert len(manifest.frame) == len(drawn)
    tested = [name for manifest in made for name in manifest.part("test")["image_id"]]
    assert sorted(tested) == sorted(data.frame["image_id"])


@given(drawn=images, shuffle=st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_rows_decides_nothing(base: RadiographSet, drawn: Images, shuffle: random.Random) -> None:
    data = data_of(drawn, base)
    order = list(range(len(drawn)))
    shuffle.shuffle(order)
    shuffled = replace(data, frame=data.frame.iloc[order].reset_index(drop=True))
    for scheme in ("stratified", "case", "case-fold-1", "source-a"):
        one, other = (
            make_split(each, scheme, CONFIG).frame.set_index("image_id")["split"].sort_index()
            for each in (data, shuffled)
        )
        assert one.equals(other)
