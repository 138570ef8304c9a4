"""Malignant against benign within each source, where knowing the source does not help."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from osteolens.domain import BENIGN, MALIGNANT, Column
from osteolens.evaluation.bootstrap import case_strata, draw_cases
from osteolens.evaluation.entries import entry, resampled_entry
from osteolens.evaluation.facts import ImageFacts
from osteolens.evaluation.metrics import Ranking
from osteolens.evaluation.predictions import PredictionsTable
from osteolens.evaluation.resampling import Resampling
from osteolens.evaluation.siblings import NO_MANIFEST
from osteolens.randomness import named_generator

Floats = NDArray[np.float64]


def within_source_scores(facts: ImageFacts, resampling: Resampling) -> dict[str, Any]:
    """Return the AUC of malignant against benign tumours, in all and within sources, beside that of the source alone.

    The model's score of an image is P(malignant) / (P(benign) + P(malignant)), 0.5 where both are 0: its answer given
    that there is a tumour. The score of the source alone is the share of malignant tumours among those of the image's
    source in the train part. A source that has none there, or is not known, gets the share over all sources; where
    that holds for every tumour the source alone says nothing, so there is no figure.

    Returns
    -------
    dict
        ``possible``, and where it is not, ``reason``. Else ``overall``; ``sources``: source → its own figure;
        ``pooled``, the mean of the latter weighted by the number of malignant-benign pairs, which is the share of
        the pairs of one source that the model ranks rightly; ``source_alone``, of all tumours. Each is an entry
        ``{"value", "low", "high", "reason"}`` with ``malignant``, ``benign`` (images) and ``pairs``. ``unseen``:
        sources without a tumour in train; ``unseen_n``: evaluated tumours of these or of no known source, None where
        nothing is known of train.

    Notes
    -----
    Cases are drawn within each source and class, so that every resample has the sources in the same shares. A case
    with tumours of several sources is drawn once for all of them, with the cases of the first by name.
    """
    table = facts.table
    if not {BENIGN, MALIGNANT} <= set(table.class_names):
        return {"possible": False, "reason": f"the classes are not those of {BENIGN} and {MALIGNANT} tumours"}
    is_tumour = table.frame[Column.LABEL].isin([BENIGN, MALIGNANT]).to_numpy()
    sources = facts.evaluated.loc[is_tumour, Column.SOURCE].to_numpy(str)
    if not (sources != "").any():
        return {"possible": False, "reason": "the source of no evaluated tumour is known"}
    tumours = _Tumours(table.subset(is_tumour), sources, resampling)
    shares = _train_shares(facts.train)
    told = {"unseen": [], "unseen_n": None} if shares is None else _unseen(shares, sources)
    return {
        "possible": True,
        "overall": tumours.overall(_given_tumour(tumours.table)),
        "sources": {name: tumours.within(name) for name in tumours.names},
        "pooled": tumours.pooled(),
        "source_alone": _source_alone(facts.train, shares, tumours),
        **told,
    }


class _Tumours:
    """The evaluated tumours with their resamples, drawn once for all figures."""

    def __init__(self, table: PredictionsTable, sources: NDArray[np.str_], resampling: Resampling) -> None:
        self.table, self.sources, self.confidence = table, sources, resampling.confidence
        self.malignant = (table.frame[Column.LABEL] == MALIGNANT).to_numpy()
        self.scores = _given_tumour(table)
        self.names: list[str] = sorted(set(sources.tolist()) - {""})
        case_of_image, class_of_case = case_strata(table.cases, self.malignant.astype(np.int64))
        numbers, source_of_image = np.unique(sources, return_inverse=True)
        source_of_case = np.full(class_of_case.size, numbers.size)
        np.minimum.at(source_of_case, case_of_image, source_of_image)
        strata = np.unique(np.stack([source_of_case, class_of_case]), axis=1, return_inverse=True)[1].reshape(-1)
        drawn = draw_cases(strata, resampling.resamples, named_generator(resampling.seed, "within sources"))
        self.weights = np.take(drawn, case_of_image, axis=1).astype(np.float64)

    def overall(self, scores: Floats, note: str | None = None) -> dict[str, Any]:
        return self._figure(np.ones(len(scores), dtype=bool), scores, note)

    def within(self, name: str) -> dict[str, Any]:
        return self._figure(self.sources == name, self.scores)

    def pooled(self) -> dict[str, Any]:
        """Return the share of rightly ranked pairs among all pairs of one source."""
        ranked, pairs, counts = np.zeros(len(self.weights)), np.zeros(len(self.weights)), [0, 0, 0]
        right, single = 0.0, []
        for name in self.names:
            of = self.sources == name
            positives, negatives = int(self.malignant[of].sum()), int((~self.malignant[of]).sum())
            if positives == 0 or negatives == 0:
                continue
            auc, samples = self._areas(of, self.scores)
            drawn = self._pairs(of)
            single += [name] if self._single_case(of) else []
            right += auc * positives * negatives
            ranked += np.where(drawn > 0, samples, 0) * drawn
            pairs += drawn
            counts = [counts[0] + positives, counts[1] + negatives, counts[2] + positives * negatives]
        named = dict(zip(("malignant", "benign", "pairs"), counts, strict=True))
        if not named["pairs"]:
            return entry(np.nan, reason="no source has both malignant and benign tumours in this part") | named
        told = f"in {', '.join(single)} all images of a class are of one case, so the interval is too narrow"
        value, samples = right / named["pairs"], ranked / pairs
        return resampled_entry(value, samples, self.confidence, note=told if single else None) | named

    def _figure(self, of: NDArray[np.bool_], scores: Floats, note: str | None = None) -> dict[str, Any]:
        positives, negatives = int(self.malignant[of].sum()), int((~self.malignant[of]).sum())
        counts = {"malignant": positives, "benign": negatives, "pairs": positives * negatives}
        absent = [name for name, count in ((MALIGNANT, positives), (BENIGN, negatives)) if not count]
        if absent:
            return entry(np.nan, reason=f"no {absent[0]} image of this source in this part") | counts
        auc, samples = self._areas(of, scores)
        if single := self._single_case(of):
            return entry(auc, reason=f"all {single} images are of one case: no interval") | counts
        return resampled_entry(auc, samples, self.confidence, note=note) | counts

    def _single_case(self, of: NDArray[np.bool_]) -> str | None:
        """Return the class of which all images are of one case."""
        for name, chosen in ((MALIGNANT, self.malignant), (BENIGN, ~self.malignant)):
            if np.unique(self.table.cases[of & chosen]).size == 1:
                return name
        return None

    def _areas(self, of: NDArray[np.bool_], scores: Floats) -> tuple[float, Floats]:
        """Return the AUC of some images and [B] its resampled values."""
        ranking = Ranking.of(scores[of], self.malignant[of])
        return float(ranking.areas(np.ones((1, int(of.sum()))))[0][0]), ranking.areas(self.weights[:, of])[0]

    def _pairs(self, of: NDArray[np.bool_]) -> Floats:
        drawn = self.weights[:, of]
        pairs: Floats = drawn[:, self.malignant[of]].sum(axis=1) * drawn[:, ~self.malignant[of]].sum(axis=1)
        return pairs


def _given_tumour(table: PredictionsTable) -> Floats:
    benign, malignant = (table.probabilities[:, table.class_names.index(name)] for name in (BENIGN, MALIGNANT))
    share = np.full(len(table), 0.5)
    np.divide(malignant, benign + malignant, out=share, where=benign + malignant > 0)
    return np.round(share, 12)  # the rounding of the quotient must not break ties


def _train_tumours(train: pd.DataFrame) -> pd.DataFrame:
    return train[train[Column.LABEL].isin([BENIGN, MALIGNANT]) & (train[Column.SOURCE] != "")]


def _train_shares(train: pd.DataFrame | None) -> pd.Series[float] | None:
    """Return the share of malignant tumours in each source of train, None where nothing is known of train's sources."""
    if train is None or Column.SOURCE not in train:
        return None
    tumours = _train_tumours(train)
    is_malignant = (tumours[Column.LABEL] == MALIGNANT).astype(np.float64)
    return is_malignant.groupby(tumours[Column.SOURCE]).mean()


def _unseen(shares: pd.Series[float], sources: NDArray[np.str_]) -> dict[str, Any]:
    """Return the sources of which train has no tumour, and how many evaluated tumours it can say nothing of."""
    known = np.isin(sources, shares.index.to_numpy(str))
    return {"unseen": sorted(set(sources[~known].tolist()) - {""}), "unseen_n": int(np.count_nonzero(~known))}


def _source_alone(train: pd.DataFrame | None, shares: pd.Series[float] | None, tumours: _Tumours) -> dict[str, Any]:
    """Return the figure of the share of malignant tumours that train has in the source of each image."""
    if train is None or shares is None:
        return {"reason": NO_MANIFEST}
    unseen, images = _unseen(shares, tumours.sources)["unseen_n"], len(tumours.sources)
    if unseen == images:
        return {"reason": "train has no tumour of these sources"}
    over_all = (_train_tumours(train)[Column.LABEL] == MALIGNANT).mean()
    of_image = pd.Series(tumours.sources).map(shares).fillna(over_all)
    note = f"for {unseen:,} of {images:,} tumours train has none of their source: the share over all sources stands in"
    return tumours.overall(of_image.to_numpy(np.float64), note if unseen else None)
