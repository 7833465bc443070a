import os
import subprocess
import sys

import numpy as np
import pytest

from experiments.engine.workers.environment import environment
from ppl_baselines.draws import to_datatree
from ppl_baselines.pymc.compilation import CacheWatch

REPORT = "import pytensor; print(pytensor.config.base_compiledir)"


def test_the_cache_is_warm_when_nothing_new_is_compiled(tmp_path):
    (tmp_path / "old.nbc").touch()
    with CacheWatch(tmp_path) as cold:
        (tmp_path / "deeper").mkdir()
        (tmp_path / "deeper" / "new.nbc").touch()
        (tmp_path / "deeper" / "new.so").touch()
    with CacheWatch(tmp_path) as warm:
        (tmp_path / "lock").touch()
    assert (cold.new_entries, cold.warm) == (2, False)
    assert (warm.new_entries, warm.warm) == (0, True)


def test_a_worker_keeps_its_cache_where_it_is_told(tmp_path):
    folder = tmp_path / "worker, number 1"
    surroundings = {**os.environ, **environment(folder)}
    finished = subprocess.run(
        [sys.executable, "-c", REPORT], env=surroundings, capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == str(folder / "pytensor")
    assert surroundings["OMP_NUM_THREADS"] == surroundings["NUMBA_NUM_THREADS"] == "1"


def test_the_users_own_flags_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTENSOR_FLAGS", "floatX=float64")
    assert environment(tmp_path)["PYTENSOR_FLAGS"].startswith("floatX=float64,base_compiledir=")


def test_the_environment_is_known_without_pymc(tmp_path):
    program = (
        "import sys; from experiments.engine.workers.environment import environment;"
        "print([name for name in ('pymc', 'pytensor', 'numpy', 'hand_cavi') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


def test_draws_need_canonical_names_and_axes():
    tree = to_datatree({"mu": np.zeros((2, 5, 3, 1))}, attributes={"sampler": "none"})
    assert tree.posterior["mu"].dims == ("chain", "draw", "component", "feature")
    assert tree.posterior.attrs["sampler"] == "none"
    with pytest.raises(ValueError, match="canonical"):
        to_datatree({"theta": np.zeros((2, 5))})
    with pytest.raises(ValueError, match="axes"):
        to_datatree({"mu": np.zeros((2, 5, 3))})
