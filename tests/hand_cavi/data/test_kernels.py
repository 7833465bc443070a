"""The compiled loop is the plain one: over families, weights, sizes, extreme values and numbers of threads.

The plain loop is itself held to the definition elsewhere (test_cavi, test_textbook).
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hand_cavi import FixedWeights, InputError, Mixture, NormalGamma, NormalKnownVariance, fit
from hand_cavi.data import kernels
from hand_cavi.data.kernels import WORTH_COMPILING, Reading, kernel_for, refresh, refresh_plain, refresh_rows
from hand_cavi.numerics.coordinates import Coordinates
from tests.hand_cavi.cases import FAMILIES, PAIRS, WEIGHTS

pytest.importorskip("numba")
compiled = importlib.import_module("hand_cavi.data.kernels_compiled")
vectors = importlib.import_module("hand_cavi.data.vectors")
LANES = vectors.LANES
ROOT = Path(__file__).parents[3]

# Sizes around the edges of vectors and of the parts that threads share out.
SIZES = [1, 2, LANES - 1, LANES, LANES + 1, 4096, 4099, 4096 + 2 * LANES, 17_915]


def refresh_compiled(*arguments):
    found = kernels._refresh_compiled(*arguments)
    return found.sums, found.entropy


def assert_same(ours, plain, statistics, weight):
    """Hold sums and entropy to rounding, measured by the sums of absolute values."""
    sums, entropy = ours
    scale = np.maximum(weight @ np.abs(statistics), 1e-300)
    np.testing.assert_array_less(np.abs(sums - plain.sums) / scale, 1e-12)
    assert abs(entropy - plain.entropy) <= 1e-12 * (1 + weight.sum() * max(1, np.log(len(sums))))


@pytest.mark.parametrize(("family", "weights"), PAIRS)
def test_every_family_and_weights(family, weights):
    case, rng = FAMILIES[family], np.random.default_rng(0)
    x = case.data(rng, 700)
    prior = case.prior.with_features(x.shape[1])
    statistics, weight = prior.statistics(x), rng.gamma(1.0, size=700)
    r = rng.dirichlet(np.ones(3), size=700)
    sums = (r * weight[:, np.newaxis]).T @ statistics
    components, pi = prior.updated(sums), WEIGHTS[weights](3).for_components(3).updated(sums[:, -1])
    arguments = statistics, weight, components.expected_phi, pi.expected_log()
    assert_same(refresh_compiled(*arguments, 1), refresh_plain(*arguments), statistics, weight)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    n=st.sampled_from(SIZES) | st.integers(1, 900),
    n_components=st.integers(1, 9),
    n_statistics=st.integers(1, 11),
    spread=st.sampled_from([0.0, 2.0**-1000, 2.0**-27, 0.125, 1.0, 32.0, 2.0**27, 2.0**500]),
    weighted=st.sampled_from(["ones", "random", "mostly zero", "huge", "tiny"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_size_and_scale(n, n_components, n_statistics, spread, weighted, seed):
    rng = np.random.default_rng(seed)
    statistics = rng.standard_normal((n, n_statistics))
    weight = {
        "ones": np.ones(n),
        "random": rng.random(n),
        "mostly zero": rng.random(n) * (rng.random(n) < 0.1),
        "huge": rng.random(n) * 1e200,
        "tiny": rng.random(n) * 1e-200,
    }[weighted]
    # Small whole numbers times a power of 2: products are exact, and both loops see the same rho.
    statistics = np.round(statistics * 4)
    expected_phi = np.round(rng.standard_normal((n_components, n_statistics)) * 4) * spread
    log_weights = np.round(rng.standard_normal(n_components) * 4) * spread
    arguments = statistics, weight, expected_phi, log_weights
    plain, one = refresh_plain(*arguments), refresh_compiled(*arguments, 1)
    assert_same(one, plain, statistics, weight)
    two = refresh_compiled(*arguments, 2)
    assert np.array_equal(one[0], two[0]) and one[1] == two[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_products_are_the_statistics(family):
    case = FAMILIES[family]
    x = case.data(np.random.default_rng(0), 50)
    prior = case.prior.with_features(x.shape[1])
    if (products := prior.products()) is None:
        assert case.prior.name == "dirichlet_categorical"
        return
    augmented = np.column_stack([x, np.ones(len(x))])
    np.testing.assert_array_equal(augmented[:, products].prod(axis=2), prior.statistics(x))


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_rows_give_what_their_statistics_give(family, weighted, kernel, monkeypatch):
    monkeypatch.setenv("ELBOWROOM_KERNEL", kernel)
    monkeypatch.setattr(kernels, "_ROWS", 500)
    case, rng = FAMILIES[family], np.random.default_rng(1)
    x = case.data(rng, 1300).astype(np.float32)
    weight = rng.gamma(1.0, size=len(x)) if weighted else None
    prior = case.prior.with_features(x.shape[1])
    there = Coordinates(np.full(x.shape[1], 0.0), np.full(x.shape[1], 1.0))
    if "normal" in family:
        there = Coordinates(rng.normal(size=x.shape[1]), rng.gamma(4.0, size=x.shape[1]))
    reading = Reading(prior.seen_from(there), there)
    statistics, ones = reading.statistics(x), np.ones(len(x)) if weight is None else weight
    sums = (rng.dirichlet(np.ones(3), size=len(x)) * ones[:, np.newaxis]).T @ statistics
    phi, log_weights = reading.family.updated(sums).expected_phi, np.log([0.2, 0.3, 0.5])
    found = [refresh_rows(x, weight, reading, phi, log_weights, threads) for threads in (1, 2)]
    assert np.array_equal(found[0].sums, found[1].sums) and found[0].entropy == found[1].entropy
    plain = refresh_plain(statistics, ones, phi, log_weights)
    assert_same((found[0].sums, found[0].entropy), plain, statistics, ones)
    held = refresh(statistics, ones, phi, log_weights)
    assert_same((held.sums, held.entropy), plain, statistics, ones)


def test_a_single_component_takes_all():
    x = np.random.default_rng(1).standard_normal((1000, 3))
    sums, entropy = refresh_compiled(x, np.ones(1000), np.ones((1, 3)), np.zeros(1), 1)
    np.testing.assert_allclose(sums[0], x.sum(axis=0), rtol=1e-12)
    assert entropy == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["statistics", "expected_phi", "log_weights"])
def test_what_is_not_finite_is_not_hidden(bad, where):
    rng = np.random.default_rng(2)
    arrays = {
        "statistics": rng.standard_normal((300, 3)),
        "weight": np.ones(300),
        "expected_phi": rng.standard_normal((4, 3)),
        "log_weights": rng.standard_normal(4),
    }
    arrays[where].flat[-1] = bad
    with np.errstate(invalid="ignore"):
        assert np.isnan(refresh_plain(*arrays.values()).entropy)
    assert np.isnan(refresh_compiled(*arrays.values(), 1)[1])


@pytest.mark.parametrize("kind", ["float32", "columns first", "every other row", "read only"])
def test_storage_of_any_kind(kind):
    rng = np.random.default_rng(3)
    statistics = rng.standard_normal((1200, 3)).astype(np.float32 if kind == "float32" else np.float64)
    if kind == "columns first":
        statistics = np.asfortranarray(statistics)
    elif kind == "every other row":
        statistics = statistics[::2]
    elif kind == "read only":
        statistics.flags.writeable = False
    weight = rng.random(len(statistics))
    arguments = statistics, weight, rng.standard_normal((3, 3)), np.zeros(3)
    assert_same(refresh_compiled(*arguments, 1), refresh_plain(*arguments), statistics, weight)


# ---- exp and ln -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def along():
    import numba

    def over(function):
        @numba.njit(**vectors.FUSED)
        def loop(x, out):
            for i in range(0, len(x), LANES):
                vectors.store(out, i, function(vectors.load(x, i)))

        def call(x):
            whole = np.ones(-(-len(x) // LANES) * LANES)
            whole[: len(x)] = x
            loop(whole, out := np.empty_like(whole))
            return out[: len(x)]

        return call

    return over


def test_exp_over_its_whole_range(along):
    rng = np.random.default_rng(4)
    halves = np.log(2) * (np.arange(-1021, 1023) + 0.5)  # where n changes
    x = np.concatenate(
        [
            np.linspace(-708, 709, 200_001),
            -np.logspace(-320, 2.85, 100_000),
            rng.uniform(-1, 1, 100_000),
            np.nextafter(halves, -np.inf),
            halves,
            np.nextafter(halves, np.inf),
        ]
    )
    exp = along(vectors.exp)
    np.testing.assert_allclose(exp(x), np.exp(x), rtol=2e-15, atol=0)
    assert (exp(np.array([-708.01, -745.0, -1e5, -1e300, -np.inf])) == 0).all()
    assert exp(np.array([0.0, -0.0, -1e-320])).tolist() == [1, 1, 1]
    assert np.isnan(exp(np.array([np.nan]))).all()


def test_log_from_one_on(along):
    z = np.concatenate(
        [1 + np.logspace(-16, 0, 50_000), np.linspace(1, 300, 50_000), np.logspace(0, 300, 9_999)]
    )
    np.testing.assert_allclose(along(vectors.log)(z), np.log(z), rtol=4e-15, atol=4e-16)


# ---- which of the two, and fits --------------------------------------------------------------


def test_the_size_decides_and_the_environment_overrules(monkeypatch):
    monkeypatch.delenv("ELBOWROOM_KERNEL", raising=False)
    assert kernel_for(WORTH_COMPILING // 5 - 1, 5) == "numpy"
    assert kernel_for(WORTH_COMPILING // 5, 5) == "numba"
    monkeypatch.setenv("ELBOWROOM_KERNEL", "numpy")
    assert kernel_for(10**9, 5) == "numpy"
    monkeypatch.setenv("ELBOWROOM_KERNEL", "numba")
    assert kernel_for(1, 1) == "numba"
    monkeypatch.setenv("ELBOWROOM_KERNEL", "fortran")
    with pytest.raises(InputError, match="ELBOWROOM_KERNEL is 'fortran'"):
        kernel_for(1, 1)


def test_without_numba_the_plain_loop_does_it(monkeypatch):
    monkeypatch.delenv("ELBOWROOM_KERNEL", raising=False)
    monkeypatch.setattr(kernels, "_compiled", lambda: None)
    assert kernel_for(10**9, 5) == "numpy"
    monkeypatch.setenv("ELBOWROOM_KERNEL", "numba")
    with pytest.raises(InputError, match="numba cannot be imported"):
        kernel_for(10**9, 5)


def test_fits_agree(monkeypatch):
    x = np.random.default_rng(5).normal(size=(9000, 1)) + np.repeat([[-2.0], [0.5], [3.0]], 3000, axis=0)
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), FixedWeights(), 3)

    def fitted(kernel, threads):
        monkeypatch.setenv("ELBOWROOM_KERNEL", kernel)
        return fit(mixture, x, rng=0, starts=1, max_sweeps=60, threads=threads)

    plain, one, two = fitted("numpy", None), fitted("numba", 1), fitted("numba", 2)
    assert one.elbo == pytest.approx(plain.elbo, rel=1e-13)
    np.testing.assert_allclose(one.components.mean, plain.components.mean, rtol=1e-9)
    assert np.array_equal(one.half_step_trace, two.half_step_trace)
    assert np.array_equal(one.components.natural, two.components.natural)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_threads_are_a_number(threads):
    with pytest.raises(InputError, match="threads is"):
        fit(Mixture(NormalKnownVariance(0.0, 1.0), FixedWeights(), 2), [0.0, 1.0], rng=0, threads=threads)


def test_the_environment_says_how_many_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert compiled.all_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert compiled.all_threads() >= 1


# ---- numba is loaded late, and its folder of results may be anywhere or nowhere ---------------


def in_a_new_process(code, cwd=ROOT, **environment):
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=kept | environment,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_small_fit_does_not_load_numba():
    code = (
        "import json, sys; from hand_cavi import *;"
        "fit(Mixture(NormalKnownVariance(0, 25), FixedWeights(), 2), [-2.1, 1.9, 3.0], rng=1);"
        "print(json.dumps('numba' in sys.modules))"
    )
    assert in_a_new_process(code, ELBOWROOM_KERNEL="") is False


def test_an_edit_to_any_file_of_the_loops_has_them_compiled_anew(tmp_path):
    """numba looks at the file of the loop alone, and exp, ln and + of vectors are in another."""
    package = tmp_path / "hand_cavi"
    shutil.copytree(ROOT / "hand_cavi", package, ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import json; from hand_cavi.data import kernels_compiled as c;"
        "print(json.dumps(c._compiled_part._cache._cache_file._index_path))"
    )
    before = in_a_new_process(code, tmp_path, PYTHONDONTWRITEBYTECODE="1")
    assert in_a_new_process(code, tmp_path, PYTHONDONTWRITEBYTECODE="1") == before
    vectors = package / "data" / "vectors.py"
    vectors.write_text(vectors.read_text().replace("range(13)", "range(12)"))
    assert in_a_new_process(code, tmp_path, PYTHONDONTWRITEBYTECODE="1") != before


@pytest.mark.parametrize("numba_cache_dir", [True, False])
def test_an_installation_that_cannot_be_written(tmp_path, numba_cache_dir):
    # A file where each folder of caches should be: nobody, not even root, can write there.
    blocked = tmp_path / "blocked"
    blocked.touch()
    package = tmp_path / "installed" / "hand_cavi"
    package.parent.mkdir()
    for path in (ROOT / "hand_cavi").rglob("*.py"):
        copy = package / path.relative_to(ROOT / "hand_cavi")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    (package / "data" / "__pycache__").touch()
    code = (
        "import json; from hand_cavi.data import kernels_compiled as c;"
        "print(json.dumps([c.__file__, getattr(c._compiled_part._cache, 'cache_path', None)]))"
    )
    environment = {"HOME": str(blocked), "XDG_CACHE_HOME": str(blocked), "PYTHONDONTWRITEBYTECODE": "1"}
    if numba_cache_dir:
        environment["NUMBA_CACHE_DIR"] = str(tmp_path / "cache")
    file, folder = in_a_new_process(code, package.parent, **environment)
    assert Path(file).parent == package / "data"
    if numba_cache_dir:
        assert Path(folder).is_relative_to(tmp_path / "cache")
    else:
        assert folder is None
