from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteolens.data.splits.assignment import assign_groups, joined_groups
from osteolens.randomness import named_generator

FRACTIONS = {"train": 0.7, "val": 0.15, "test": 0.15}

# groups of one class each, as class and size
Cases = list[tuple[str, int]]
cases = st.lists(st.tuples(st.sampled_from(["Normal", "Benign", "Malignant"]), st.integers(1, 9)), min_size=1)


def table_of(drawn: Cases) -> pd.DataFrame:
    rows = [(label, f"g{number:03d}") for number, (label, size) in enumerate(drawn) for _ in range(size)]
    return pd.DataFrame(rows, columns=["label", "group"])


def assigned(table: pd.DataFrame, fractions: dict[str, float], seed: int = 0) -> pd.Series[str]:
    parts = assign_groups(
        table["label"].to_numpy(str), table["group"].to_numpy(str), fractions, named_generator(seed, "test")
    )
    return pd.Series(parts, index=table.index)


def test_joined_groups_follow_chains_of_shared_keys() -> None:
    cases = pd.Series(["d", "c", "c", "e", "f"])
    files = pd.Series(["1", "2", "3", "3", "4"])
    assert joined_groups(cases, files).tolist() == ["d", "c", "c", "c", "f"]  # e shares file 3 with the second c
    assert joined_groups(cases[::-1], files[::-1]).tolist() == ["f", "c", "c", "c", "d"]


def test_a_rare_class_reaches_every_part() -> None:
    labels = np.array(["a"] * 100 + ["b"] * 3)
    parts = assign_groups(labels, np.arange(103).astype(str), FRACTIONS, named_generator(0, "test"))
    assert sorted(parts[100:]) == ["test", "train", "val"]


def test_single_images_level_out_what_a_large_group_brings() -> None:
    groups = np.array(["large"] * 10 + [f"single {n}" for n in range(40)])
    for seed in range(5):
        parts = assign_groups(np.array(["a"] * 50), groups, FRACTIONS, named_generator(seed, "test"))
        for part, share in FRACTIONS.items():
            assert abs((parts == part).sum() - 50 * share) <= 1


def test_groups_of_mixed_classes_and_sizes_come_close_to_the_target() -> None:
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(400), generator.integers(1, 12, 400)).astype(str)
    labels = generator.choice(["Normal", "Benign", "Malignant"], len(groups), p=[0.5, 0.4, 0.1])
    parts = assign_groups(labels, groups, FRACTIONS, named_generator(0, "test"))
    assert set(pd.Series(parts).groupby(groups).nunique()) == {1}
    for name in ("Normal", "Benign", "Malignant"):
        for part, share in FRACTIONS.items():
            assert abs((parts[labels == name] == part).mean() - share) < 0.02


def test_a_real_data_set_is_shared_out_as_evenly_as_scikit_learn_does() -> None:
    sklearn = pytest.importorskip("sklearn.model_selection")
    generator = np.random.default_rng(3)
    groups = np.repeat(np.arange(300), generator.integers(1, 20, 300)).astype(str)
    label_of = generator.choice(["Normal", "Benign", "Malignant"], 300, p=[0.5, 0.4, 0.1])
    labels = label_of[groups.astype(int)]
    theirs = np.empty(len(labels), int)
    folds = sklearn.StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for number, (_, rows) in enumerate(folds.split(labels, labels, groups)):
        theirs[rows] = number
    ours = assign_groups(labels, groups, {str(n): 0.2 for n in range(5)}, named_generator(0, "test"))

    def spread(folds_of: object) -> int:
        return int(np.ptp(pd.crosstab(folds_of, labels).to_numpy(), axis=0).max())

    assert spread(ours) <= max(spread(theirs), 2)


@given(cases, st.integers(0, 5))
@settings(max_examples=80, deadline=None)
def test_no_group_is_divided_whatever_the_cases(drawn: Cases, seed: int) -> None:
    table = table_of(drawn)
    parts = assigned(table, FRACTIONS, seed)
    assert set(parts) <= set(FRACTIONS)
    assert set(parts.groupby(table["group"]).nunique()) == {1}


@given(cases)
@settings(max_examples=80, deadline=None)
def test_a_part_misses_its_share_of_a_class_by_less_than_two_of_its_largest_cases(drawn: Cases) -> None:
    table = table_of(drawn)
    parts = assigned(table, FRACTIONS)
    for label, rows in table.groupby("label"):
        largest = rows["group"].value_counts().max()
        for part, share in FRACTIONS.items():
            placed = (parts[rows.index] == part).sum()
            assert abs(placed - share * len(rows)) < 2 * largest, (label, part)


@given(cases, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_rows_decides_nothing(drawn: Cases, random: object) -> None:
    table = table_of(drawn)
    order = list(table.index)
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = table.loc[order]
    assert assigned(shuffled, FRACTIONS).sort_index().equals(assigned(table, FRACTIONS))


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30))
@settings(max_examples=80, deadline=None)
def test_joined_groups_are_the_connected_parts_of_the_graph(keys: list[tuple[int, int]]) -> None:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    first, second = np.array(keys).T
    graph = coo_matrix((np.ones(len(keys)), (first, 7 + second)), shape=(14, 14))
    component = connected_components(graph, directed=False)[1][first]
    joined = joined_groups(pd.Series(first.astype(str)), pd.Series(second.astype(str)))
    assert len({*zip(component, joined, strict=True)}) == len(set(component)) == len(set(joined))
