"""A value that is missing is refused with its place, whatever carries it and whoever is given it."""

import warnings

import dask.array as da
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from experiments.references import log_evidence
from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    fit,
    log_joint,
)
from hand_cavi.data.condense import sum_cells, unique_rows
from hand_cavi.estimators import BayesianMixture
from hand_cavi.gibbs.sampler import conditional, gibbs
from hand_cavi.inputs import as_rows, as_sample_weight
from hand_cavi.linear_response import linear_response
from hand_cavi.sources import Block, Source, as_source
from ppl_baselines.data import as_data

PLAIN = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
MIXTURE = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2)
TWO = Mixture(NormalKnownVariance([0.0, 0.0], 25.0), FixedWeights(), 2)


class Polars:
    """What a Polars series offers: nulls become nan where numpy reads it."""

    def __init__(self, values):
        self.values = values

    def is_null(self):
        return Polars([value is None for value in self.values])

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype or (bool if False in self.values else float))


class HidesItsMask:
    """An object of another library whose array is a masked one."""

    def __array__(self, dtype=None, copy=None):
        return np.ma.array(PLAIN, mask=[[0, 0], [0, 1], [0, 0]])


def frame(dtype):
    return pd.DataFrame({"a": [1, 3, 5], "b": pd.array([1, None, 1], dtype=dtype)})


TABLES = {
    "numpy.ma": np.ma.array(PLAIN, mask=[[0, 0], [0, 1], [0, 0]]),
    "masked rows in a list": [np.ma.array(row, mask=[False, row[0] == 3]) for row in PLAIN],
    "__array__": HidesItsMask(),
    "None": [[1.0, 2.0], [3.0, None], [5.0, 6.0]],
    "object": np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0]], dtype=object),
    "pandas.NA": [[1.0, 2.0], [3.0, pd.NA], [5.0, 6.0]],
    **{dtype: frame(dtype) for dtype in ("Int64", "Float64", "boolean", "float64", "int64[pyarrow]")},
}
COLUMNS = {
    "numpy.ma": np.ma.masked_equal([2, 4, 6], 4),
    "masked in a list": [2.0, np.ma.masked, 6.0],
    "None": [2, None, 6],
    "Series": pd.Series([2, None, 6], dtype="Int64"),
    "pandas array": pd.array([2, None, 6], dtype="Int64"),
    "category": pd.Series([2, None, 6], dtype="category"),
    "pyarrow": pa.array([2, None, 6]),
    "pyarrow chunks": pa.chunked_array([[2], [None, 6]]),
    "pyarrow booleans": pa.array([True, None, False]),
    "polars": Polars([2, None, 6]),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for use in (as_rows, as_source, BayesianMixture().fit, lambda x: fit(TWO, x, rng=0)):
            with pytest.raises(InputError, match=r"missing in row 1, column 1 \(counted from 0\)"):
                use(TABLES[kind])


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_and_a_weight(kind):
    for use in (as_rows, as_source, lambda x: fit(MIXTURE, x, rng=0)):
        with pytest.raises(InputError, match=r"of the data is missing in row 1 \(counted from 0\)"):
            use(COLUMNS[kind])
    with pytest.raises(InputError, match="of sample_weight is missing in row 1 "):
        as_sample_weight(COLUMNS[kind], 3)


@pytest.mark.parametrize("kind", ["pyarrow table", "nan"])
def test_what_numpy_reads_as_nan_is_refused_as_nan(kind):
    x = pa.table({"a": [1, None]}) if kind == "pyarrow table" else [[1.0], [np.nan]]
    with pytest.raises(InputError, match="hold nan in row 1, column 0"):
        fit(MIXTURE, x, rng=0)
    with pytest.raises(InputError, match="X is NaN in row 1, column 0"):
        BayesianMixture().fit(x)


def users():
    """Every function that is given data or weights, by name."""
    masked, x = np.ma.masked_equal([2.0, 4.0, 6.0], 4.0), np.array([2.0, 4.0, 6.0])
    fitted = fit(MIXTURE, x, rng=0)
    estimator = BayesianMixture().fit(x[:, None])
    draws = fitted.sample(0, 3)
    return {
        "log_evidence": lambda: log_evidence(MIXTURE, masked, rng=0),
        "log_evidence, weights": lambda: log_evidence(MIXTURE, x, rng=0, sample_weight=masked),
        "fit, weights": lambda: fit(MIXTURE, x, rng=0, sample_weight=masked),
        "fit, starts": lambda: fit(MIXTURE, x, rng=0, starts=np.ma.masked_equal(np.eye(3)[:, :2], 0)),
        "log_joint": lambda: log_joint(MIXTURE, masked, draws),
        "linear_response": lambda: linear_response(fitted, masked),
        "predict": lambda: fitted.predict(masked),
        "gibbs": lambda: gibbs(MIXTURE, masked, rng=0),
        "conditional": lambda: conditional(MIXTURE, x, np.ma.array([0, 1, 0], mask=[0, 1, 0])),
        "sum_cells": lambda: sum_cells(0.1, masked),
        "unique_rows": lambda: unique_rows(masked),
        "unique_rows, weights": lambda: unique_rows(x, masked),
        "estimator": lambda: estimator.fit(masked[:, None]),
        "estimator, weights": lambda: estimator.fit(x[:, None], sample_weight=masked),
        "estimator, batch": lambda: estimator.partial_fit(masked[:, None]),
        "estimator, new points": lambda: estimator.predict(masked[:, None]),
        "estimator, score": lambda: estimator.score(masked[:, None]),
        "prior": lambda: NormalKnownVariance(np.ma.masked, 1.0),
        "prior, array": lambda: NormalGamma(masked, 1.0, 1.0, 1.0),
        "weights": lambda: DirichletWeights(masked),
    }


def test_everywhere():
    for name, use in users().items():
        with pytest.raises(InputError, match="missing"):
            use()
            pytest.fail(f"{name} took a mask for data")


def test_pymc_models_refuse_masks():
    with pytest.raises(ValueError, match="masked"):
        as_data(TABLES["numpy.ma"])


def test_blocks_of_ones_own_and_chunks_of_dask():
    masked = np.ma.array(PLAIN, mask=[[0, 0], [0, 1], [0, 0]])

    class Own(Source):
        n_points, n_features = 3, 2

        def blocks(self):
            yield Block(masked)

    with pytest.raises(InputError, match="a block's rows is missing in row 1, column 1"):
        fit(TWO, Own(), rng=0)
    with pytest.raises(InputError, match="the data is missing in row 4, column 1"):
        fit(TWO, da.concatenate([da.asarray(PLAIN), da.asarray(masked)]), rng=0)


def test_what_could_carry_missing_values_and_does_not():
    full = pd.DataFrame({"a": pd.array([1, 3, 5], dtype="Int64"), "b": pd.array([2, 4, 6], dtype="Float64")})
    for x in (full, np.ma.array(PLAIN), np.array(PLAIN, dtype=object), pa.table(full), full.astype("Int64")):
        rows = as_rows(x)
        np.testing.assert_array_equal(rows, PLAIN)
        assert type(rows) is np.ndarray
    np.testing.assert_array_equal(as_rows(pa.array([1, 2])), [[1], [2]])
    for x in (["1", "2"], np.array(["2024-01-01"], dtype="datetime64[D]"), [[1.0], [2.0, 3.0]], {}):
        with pytest.raises(InputError, match="real numbers"):
            as_rows(x)
