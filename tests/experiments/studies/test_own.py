"""Studies of a user's own models: what is refused, how variables meet, how cells are judged, and one run."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from experiments.config.kinds import kind_of
from experiments.config.options import ReferenceOptions, VerdictOptions
from experiments.config.reading import parse_config
from experiments.custom import CustomProblem
from experiments.engine.store.files import write_tree
from experiments.methods.own.own_target import OwnTarget, load
from experiments.methods.own.variables import as_tree, factors_of, quantities_of, with_quantities
from experiments.records import Cell, CellRecord, Told
from experiments.studies import plan_of
from experiments.studies.judging import Case, judge_problem
from experiments.verdict.impossible_bounds import LARGEST_FALL
from hand_cavi import InputError

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "bring_your_own"

STUDY = """name = "own"
[[models]]
name = "normal"
model = "normal:problem"
[[methods]]
name = "cavi"
starts = 3
"""


@dataclass(frozen=True)
class Two:
    """A derivation with a factor of two variables, (S,) and (S, 2), and a discrete one."""

    factors: tuple = ("pair", "label")

    def initial(self, rng):
        return float(rng.normal())

    def update(self, state, factor):
        return state

    def elbo(self, state):
        return {"all": 0.0}

    def sample(self, state, factor, rng, n):
        if factor == "label":
            return rng.integers(2, size=(n, 3))
        return {"a": rng.normal(size=n), "b": rng.normal(size=(n, 2))}

    def log_density(self, state, factor, values):
        return np.zeros(len(values if factor == "label" else values["a"]))


def problem_of(**changes):
    return CustomProblem(**{"derivation": Two(), "model": lambda: None, **changes})


# ---- what is refused ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A folder with a module of faulty problems, under a name that no other test imports."""
    name = f"faulty_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(
        "number = 3\n"
        "def raises():\n    return 1 / 0\n"
        "def a_dict():\n    return {}\n"
        "def the_class():\n"
        "    from experiments.custom import CustomProblem\n"
        "    class Mine: pass\n"
        "    return CustomProblem(derivation=Mine, model=lambda: None)\n"
        "def lacking():\n"
        "    from experiments.custom import CustomProblem\n"
        "    class Mine:\n        factors = ()\n"
        "    return CustomProblem(derivation=Mine(), model=lambda: None)\n"
    )
    return tmp_path, name


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("number", "gives an object of type int; it must be, or return, an experiments.custom.CustomProblem"),
        ("a_dict", "gives an object of type dict"),
        ("raises", "failed: ZeroDivisionError: division by zero"),
        ("the_class", "derivation is the class Mine itself; give an object: Mine"),
        ("lacking", "lacks initial and update and elbo and sample and log_density"),
        ("nowhere", 'has no "nowhere"'),
    ],
)
def test_a_wrong_problem_is_refused_in_a_sentence(folder, attribute, said):
    path, name = folder
    with pytest.raises(InputError, match="^[^\n]*$") as error:
        load(f"{name}:{attribute}", path)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("there_is_no_such_module:problem", 'there is no module "there_is_no_such_module"'),
        ("normal", 'write "my_module:problem"'),
        ("normal.py:problem", 'write "normal:problem", without .py'),
    ],
)
def test_a_name_of_nothing_is_refused(name, said):
    with pytest.raises(InputError, match="^[^\n]*$") as error:
        load(name, EXAMPLES)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'name = "cavi"',
            'name = "gibbs"',
            '"gibbs" is for mixtures alone; for a model of your own there are advi, cavi',
        ),
        ("starts = 3", "stats = 3", 'methods[1].stats: unknown key; did you mean "starts"?'),
        ("starts = 3", "starts = 0", "methods[1].starts: is 0; it must be at least 1"),
        (
            "[[methods]]",
            '[[datasets]]\nname = "galaxies"\n[[methods]]',
            "a model of your own has its own data",
        ),
        ("[[methods]]", '[reference]\nmethod = "nuts"\n[[methods]]', "reference.method: unknown key"),
        ("[[methods]]", '[reference]\nsamplers = ["me"]\n[[methods]]', 'there is no method "me"'),
        ("[[methods]]", '[[models]]\nname = "two"\nfamily = "x"\n[[methods]]', "has no mixtures"),
        ("[[methods]]", '[verdict]\nmethods = ["cvai"]\n[[methods]]', 'there is no method "cvai"'),
        ("[[methods]]", '[verdict]\njudge = ["evidence"]\n[[methods]]', '"evidence" is only for mixtures'),
        ('model = "normal:problem"', "model = 3", "models[1].model"),
        ('model = "normal:problem"', 'model = "normal:nothing"', 'the module "normal" has no "nothing"'),
    ],
)
def test_a_faulty_configuration_says_where_and_what(old, new, said):
    with pytest.raises(InputError) as error:
        plan_of(parse_config(STUDY.replace(old, new), source="study.toml", folder=EXAMPLES))
    assert said in str(error.value)
    assert "study.toml, line " in str(error.value)


def test_the_kind_of_a_study_is_in_what_it_holds():
    assert kind_of({"models": [{"name": "a", "model": "b:c"}]}) == "own"
    assert kind_of({"models": [{"name": "a", "family": "b"}]}) == "mixtures"
    assert kind_of({"calibration": {}, "models": [{"name": "a", "family": "b"}]}) == "calibration"
    assert kind_of({"models": 3}) == "mixtures"


def test_the_command_refuses_with_exit_code_2(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)  # normal.py is not beside it
    done = subprocess.run(
        [sys.executable, "-m", "experiments.commands.cli", "run", "study.toml"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert 'there is no module "normal", neither here nor installed' in done.stderr
    assert not (tmp_path / "studies").exists()


# ---- variables -----------------------------------------------------------------------------------


def test_factors_that_the_model_lacks_are_summed_out():
    kept = factors_of(Two(), ["b", "a"])
    assert kept.kept == {"pair": ["a", "b"]}
    assert not kept.nothing_is_summed_out
    q = kept.at(0.0)
    draws = q.sample(np.random.default_rng(0), 4)
    assert {name: values.shape for name, values in draws.items()} == {"a": (4,), "b": (4, 2)}
    assert q.log_density(draws).shape == (4,)


def test_starts_are_draws_at_random_states_and_more_of_them_change_none(monkeypatch):
    monkeypatch.setattr(OwnTarget, "factors", factors_of(Two(), ["b", "a"]))
    starts = OwnTarget("no:model").starts(0)
    one, two = starts.parameters(2)
    np.testing.assert_array_equal(starts.parameters(3)[1]["b"], two["b"])
    assert one["b"].shape == (2,)
    assert not np.array_equal(one["b"], two["b"])


@pytest.mark.parametrize("variables", [["a", "b", "theta"], ["a"]])
def test_names_that_do_not_match_are_listed_side_by_side(variables):
    with pytest.raises(InputError, match="the names do not match") as error:
        factors_of(Two(), variables)
    assert f"the variables {', '.join(variables)}" in str(error.value)
    assert "draw a, b, label" in str(error.value)


def test_every_number_is_compared_unless_quantities_are_given():
    rng = np.random.default_rng(0)
    tree = as_tree({"a": rng.normal(size=(2, 5)), "b": rng.normal(size=(2, 5, 2))})
    found = quantities_of(None, tree)
    assert list(found) == ["a", "b[0]", "b[1]"]
    own = quantities_of(lambda draws: {"sum": draws["b"].sum(axis=1)}, tree)
    np.testing.assert_allclose(own["sum"], found["b[0]"] + found["b[1]"])


def test_quantities_of_a_wrong_shape_are_refused():
    tree = as_tree({"a": np.zeros((2, 5))})
    with pytest.raises(InputError, match=r"returned m of shape \(\) for 10 draws"):
        quantities_of(lambda draws: {"m": draws["a"].mean()}, tree)


# ---- judging --------------------------------------------------------------------------------------


def cell_of(tmp_path, method, posterior, stats, kind="", **fields):
    path = tmp_path / f"{method}.nc"
    tree = as_tree(posterior, sample_stats=stats)
    write_tree(path, with_quantities(tree, quantities_of(None, tree)))
    place = Cell("mine", "mine", method, 1, method, kind or method)
    record = CellRecord(place, "ok", "", "converged", 0.0, 1.0, draws=path)
    return replace(record, **fields)


def nuts(tmp_path, rng, *, spread=0.0, name="nuts"):
    """Four chains from a normal and a far wider one; with a spread, chains that do not agree."""
    mu = rng.normal(size=(4, 1000)) + spread * np.arange(4)[:, np.newaxis]
    stats = {"diverging": np.zeros((4, 1000), bool), "energy": rng.normal(size=(4, 1000))}
    stats["log_joint"] = -7.0 + rng.normal(size=(4, 1000))
    posterior = {"mu": mu, "tau": 50 + 9 * rng.normal(size=(4, 1000))}
    return cell_of(tmp_path, name, posterior, stats, kind="nuts", outcome="sampled")


def approximation(tmp_path, rng, *, shift=0.0, excess=0.0, **fields):
    """The truth, its variables in the other order; q = p, whose bound is ln p(x) = -7 in every draw."""
    posterior = {"tau": 50 + 9 * rng.normal(size=(1, 4000)), "mu": shift + rng.normal(size=(1, 4000))}
    log_q = rng.normal(size=(1, 4000))
    noise = 0.1 * rng.normal(size=(1, 4000))
    stats = {"log_q": log_q, "log_joint": log_q - 7.0 + noise - noise.mean()}
    return cell_of(tmp_path, "cavi", posterior, stats, bound=-7.0 + excess, bound_se=0.0, **fields)


def judged(tmp_path, seed=0, spread=0.0, **changes):
    rng = np.random.default_rng(seed)
    cells = (approximation(tmp_path, rng, **changes), nuts(tmp_path, rng, spread=spread))
    return judge_problem(Case(None, cells, 0, ReferenceOptions(), VerdictOptions()))


def test_a_right_method_passes_whatever_the_order_of_its_variables(tmp_path):
    judgement = judged(tmp_path)
    assert judgement.reference.qualified, judgement.reference.reason
    assert judgement.verdicts["cavi"].decision == "pass", judgement.verdicts["cavi"].sentence
    measured = judgement.measurements["cavi"]
    assert measured["means"].entries == judgement.measurements["nuts"]["means"].entries == ("tau", "mu")
    assert measured["collapsed_bound"].value == pytest.approx(-7.0)
    assert np.abs(measured["mean_error"].value).max() < 0.1
    assert "nuts" not in judgement.verdicts


def test_a_shifted_mean_fails_and_is_named(tmp_path):
    verdict = judged(tmp_path, shift=0.6).verdicts["cavi"]
    assert verdict.decision == "fail"
    assert "mean of mu" in verdict.sentence
    assert "CAVI does not agree with the long NUTS run" in verdict.sentence


def test_without_a_reference_that_qualifies_there_is_no_verdict(tmp_path):
    judgement = judged(tmp_path, spread=1.0)
    assert not judgement.reference.qualified
    assert "R-hat of mu" in judgement.reference.reason
    assert judgement.verdicts["cavi"].decision == "undecided"
    assert judgement.measurements["cavi"]["mean_error"].value is None


def test_a_bound_above_f_is_impossible(tmp_path):
    verdict = judged(tmp_path, excess=0.5).verdicts["cavi"]
    assert verdict.decision == "fail"
    assert "above the collapsed bound" in verdict.impossible[0]


def test_a_bound_below_f_is_impossible_only_if_nothing_is_summed_out(tmp_path):
    latent = Told(bound_of="theta and what is summed out")
    verdict = judged(tmp_path, excess=-0.5, told=latent).verdicts["cavi"]
    assert verdict.decision == "pass"
    assert "its bound is that of its q (its bound is of what the model sums out too)" in verdict.sentence
    verdict = judged(tmp_path, excess=-0.5).verdicts["cavi"]
    assert verdict.decision == "undecided" and "is none that its q has: " in verdict.sentence
    assert "(theta); let it state `bound_of`, so that CAVI cannot pass" in verdict.sentence
    assert judged(tmp_path).verdicts["cavi"].decision == "pass"
    verdict = judged(tmp_path, excess=-0.5, told=Told(bound_of="theta")).verdicts["cavi"]
    assert verdict.decision == "fail"
    assert "its own bound is not that of its q" in verdict.impossible[0]


def test_a_bound_that_fell_is_impossible(tmp_path):
    verdict = judged(tmp_path, told=Told(smallest_gain=-1e-3)).verdicts["cavi"]
    assert verdict.decision == "fail"
    assert "its bound fell" in verdict.impossible[0]


def test_a_method_that_did_not_finish_fails(tmp_path):
    verdict = judged(tmp_path, outcome="max_sweeps", message="too few sweeps").verdicts["cavi"]
    assert verdict.decision == "fail"
    assert "so far agrees" in verdict.sentence
    assert "did not finish (its outcome is 'max_sweeps')" in verdict.sentence


# What mixtures had and own models lacked


@pytest.mark.parametrize(("fall", "decision"), [(-5e-10, "fail"), (-5e-11, "pass")])
def test_a_bound_may_fall_by_no_more_than_that_of_a_mixture(tmp_path, fall, decision):
    measured = judged(tmp_path, told=Told(smallest_gain=fall))
    assert measured.verdicts["cavi"].decision == decision
    assert measured.measurements["cavi"]["monotonicity"].threshold.value == LARGEST_FALL == -1e-10


def test_a_judged_sampler_whose_chains_do_not_agree_is_not_trusted(tmp_path):
    rng = np.random.default_rng(0)
    cells = (nuts(tmp_path, rng), nuts(tmp_path, rng, spread=1.0, name="other"))
    verdict = judge_problem(Case(None, cells, 0, ReferenceOptions(), VerdictOptions())).verdicts["other"]
    assert verdict.decision == "undecided"
    assert "its draws cannot be trusted" in verdict.sentence and "R-hat of mu" in verdict.sentence


def test_a_q_that_a_step_improves_is_not_at_its_end(tmp_path):
    verdict = judged(tmp_path, told=Told(step_gain=1.0, step_gain_se=0.01)).verdicts["cavi"]
    assert verdict.decision == "fail"
    assert "one step on from its q gains 1 ± 0.01 nats" in verdict.sentence


def test_the_sds_are_remarked_upon(tmp_path):
    assert "Its standard deviations are " in judged(tmp_path).verdicts["cavi"].sentence


def test_the_reference_is_told_by_its_cell(tmp_path):
    assert judged(tmp_path).reference_cell == "nuts"
    assert judged(tmp_path, spread=1.0).reference_cell is None


# ---- the whole way --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_by_coordinate_ascent_alone(tmp_path):
    """Without NUTS nothing is decided, but F is there, and it is CAVI's own bound, up to 5 errors."""
    (tmp_path / "study.toml").write_text(STUDY)
    (tmp_path / "normal.py").write_text((EXAMPLES / "normal.py").read_text())
    command = [sys.executable, "-m", "experiments.commands.cli"]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    asked = {"capture_output": True, "text": True, "cwd": tmp_path, "env": env, "check": True}

    def run(*words):
        done = subprocess.run([*command, *words], **asked)
        return done.stdout, done.stderr

    summary = json.loads(run("run", "study.toml", "--json")[0])
    (cell,) = summary["cells"]
    assert summary["verdict"] == cell["verdict"] == "undecided"
    assert cell["status"] == "ok"
    assert abs(cell["elbo"] - cell["elbo_collapsed"]) <= 5 * cell["elbo_collapsed_se"]
    assert cell["measurements"]["means"]["entries"] == ["mu", "tau"]
    assert len(cell["means"]) == len(cell["sds"]) == 2

    html = (tmp_path / "studies" / "own" / "report.html").read_text()
    assert "<svg" in html
    assert "http" not in html.replace("http://www.w3.org", "").replace("http-equiv", "")
    assert "Quantity" in (tmp_path / "studies" / "own" / "report.md").read_text()

    (tmp_path / "normal.py").unlink()  # a report needs nothing but what is stored
    again, err = run("report", "own", "--json")
    assert json.loads(again)["cells"] == summary["cells"]
    assert err == ""
