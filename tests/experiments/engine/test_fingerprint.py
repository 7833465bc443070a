"""Stale numbers must not stand: whatever file a number depends on is part of its key, and no other is."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.config.plugins import names
from experiments.engine import fingerprint

ROOT = Path(__file__).parents[3]
JUDGE = "experiments.studies.judging"
WORK = "experiments.studies.fitting"


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """A copy of the packages that may be edited."""
    there = tmp_path_factory.mktemp("copy")
    for package in fingerprint.PACKAGES:
        shutil.copytree(ROOT / package, there / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tuple(there / package for package in fingerprint.PACKAGES)


def key(module, roots):
    path = fingerprint._path_of(module, roots)
    return fingerprint._digest(fingerprint.closure(path, roots))


def changed_by(file, module, roots):
    before, text = key(module, roots), file.read_bytes()
    try:
        file.write_bytes(text + b"\n# edited\n")
        return key(module, roots) != before
    finally:
        file.write_bytes(text)


def test_statements_name_all_modules_that_the_whole_tree_names():
    """Expressions are looked through only where a module is named in quotes."""
    roots = fingerprint._roots()
    for path in (path for root in roots for path in root.rglob("*.py")):
        quick = set(fingerprint._names_imported(path, roots))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fingerprint, "_statements", ast.walk)
            assert set(fingerprint._names_imported(path, roots)) == quick, path


def test_a_users_file_is_hashed_anew_when_it_has_changed(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from hand_cavi import Mixture\n")
    before = fingerprint.code_of(path)
    assert fingerprint.code_of(path) == before
    path.write_text("from hand_cavi import Mixture\nx = 1\n")
    assert fingerprint.code_of(path) != before and fingerprint.code_of(None) == "unknown"


@pytest.mark.parametrize("method", names("methods"))
def test_every_file_of_a_methods_closure_changes_its_key(method, roots):
    module = f"experiments.methods.{method}"
    files = fingerprint.closure(fingerprint._path_of(module, roots), roots)
    assert len(files) > 10
    assert all(changed_by(file, module, roots) for file in files.values())


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("experiments/methods/compiled_models.py", "experiments.methods.advi"),
        ("experiments/methods/compiled_models.py", "experiments.methods.fullrank_advi"),
        ("experiments/methods/step_gain.py", WORK),
        ("experiments/methods/mass_of_density.py", WORK),
        ("experiments/methods/prior_draws.py", "experiments.methods.smc"),
        ("experiments/methods/score.py", WORK),
        ("hand_cavi/ascent/starts.py", "experiments.methods.mixture_target"),
        ("experiments/methods/own/variables.py", "experiments.methods.own.own_target"),
        ("experiments/methods/compiled_models.py", "experiments.methods.own.advi"),
        ("ppl_baselines/pymc/vi_steps.py", "experiments.methods.advi"),
        ("hand_cavi/data/kernels_compiled.py", "experiments.methods.cavi"),
        ("hand_cavi/families/normal_gamma.py", "experiments.methods.nuts"),
        ("experiments/references/bridge.py", JUDGE),
        ("experiments/relabel/stephens.py", JUDGE),
        ("experiments/metrics/bounds.py", JUDGE),
        ("experiments/verdict/equivalence.py", JUDGE),
        ("experiments/posterior/coclustering.py", "experiments.metrics.allocation"),
        ("experiments/posterior/quantities.py", "experiments.metrics.cost"),
    ],
)
def test_an_edit_changes_the_keys_that_depend_on_it(file, module, roots):
    assert changed_by(roots[0].parent / file, module, roots)


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("experiments/report/pages/mixtures.py", JUDGE),
        ("experiments/report/pages/mixtures.py", "experiments.methods.cavi"),
        ("experiments/commands/fit.py", JUDGE),
        ("experiments/methods/gibbs.py", "experiments.methods.cavi"),
        ("experiments/methods/_advi.py", "experiments.methods.nuts"),
        ("experiments/methods/nuts.py", WORK),
        ("experiments/engine/workers/pool.py", JUDGE),
        ("experiments/engine/store/folder.py", JUDGE),
        ("experiments/metrics/allocation.py", "experiments.metrics.cost"),
        ("ppl_baselines/pymc/nuts.py", "experiments.methods.cavi"),
    ],
)
def test_an_edit_elsewhere_changes_none(file, module, roots):
    assert not changed_by(roots[0].parent / file, module, roots)


def test_a_users_file_counts_with_what_it_imports(tmp_path):
    own = tmp_path / "my_method.py"
    own.write_text("def fit():\n    from experiments.methods.advi import fit\n")
    files = fingerprint.closure(own, fingerprint._roots())
    assert "my_method.py" in files and "experiments/methods/compiled_models.py" in files
    before = fingerprint.code_of(own)
    own.write_text("def fit():\n    from experiments.methods.advi import fit  # otherwise\n")
    assert fingerprint.code_of(own) != before


def test_a_module_that_is_not_there():
    with pytest.raises(ModuleNotFoundError, match="no module experiments.nothing"):
        fingerprint.code("experiments.nothing")


@pytest.mark.parametrize("method", ["cavi", "cavi_lr", "gibbs"])
def test_what_a_running_method_loads_is_in_its_key(method):
    """All that a fresh interpreter holds after a fit, but packages' own files and what makes no numbers."""
    code = f"""
import sys
import numpy as np
from experiments.config.plugins import find
from experiments.methods.mixture_target import MixtureTarget
from experiments.records import Problem
from experiments.studies import fitting
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
target = MixtureTarget(Problem(Mixture(NormalKnownVariance(0.0, 9.0), FixedWeights(), 2), np.ones((4, 1))))
settings = find("methods", "{method}").Settings()
fitting.fit_cell(fitting.Assignment(target, "methods", "{method}", settings, 1, 2))
print(*(name for name in sys.modules if name.split(".")[0] in {fingerprint.PACKAGES}))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    roots = fingerprint._roots()
    found = {fingerprint._path_of(name, roots) for name in loaded.stdout.split()}
    ours = {
        file
        for file in found
        if file.name != "__init__.py" and not file.is_relative_to(ROOT / "experiments" / "engine")
    }
    known = {}
    for module in (WORK, "experiments.methods.mixture_target", f"experiments.methods.{method}"):
        known |= fingerprint.closure(fingerprint._path_of(module, roots), roots)
    no_numbers = {f"experiments/{name}.py" for name in ("config/complaints", "records/provenance")}
    missed = {file.relative_to(ROOT).as_posix() for file in ours - set(known.values())} - no_numbers
    assert len(ours) > 30 and not missed
