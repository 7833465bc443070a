"""Which cell is the reference, what is said beside a verdict, and that nothing hangs on a name or a note."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from experiments.config.options import ReferenceOptions, VerdictOptions
from experiments.engine.store.files import read_tree, write_tree
from experiments.records import Cell, CellRecord, Estimate, Measurement, Problem, Reference, Told
from experiments.studies import judging
from experiments.studies.grid import conclude
from experiments.studies.judging import Case, judge_problem
from experiments.verdict import verdict_of_cell
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
from ppl_baselines.draws import to_datatree

LN_P = -7.0
PROBLEM = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), np.array([[-2.0], [2.0]]))


def own_cell(folder, key: str, kind: str, values: np.ndarray, stats: dict[str, np.ndarray], **fields):
    """A cell of an own model with one quantity, (C, M); ln p(x, theta) is about LN_P."""
    stats = {"log_joint": LN_P + np.random.default_rng(9).normal(size=values.shape), **stats}
    groups = {"posterior": {"mu": values}, "sample_stats": stats}
    trees = {
        group: xr.Dataset({name: (("chain", "draw"), one) for name, one in arrays.items()})
        for group, arrays in groups.items()
    }
    beside = {"value": (("chain", "draw", "quantity"), values[..., np.newaxis])}
    trees["quantities"] = xr.Dataset(beside, {"quantity": ["mu"]})
    path = folder / f"{key}.nc"
    write_tree(path, xr.DataTree.from_dict(trees))
    cell = CellRecord(Cell("d", "m", key, 1, key, kind), "ok", "", "converged", 0.0, 2.0, draws=path)
    return replace(cell, **fields)


def nuts(folder, rng, key: str, kind: str = "nuts", **fields):
    stats = {"diverging": np.zeros((4, 1000), bool), "energy": rng.normal(size=(4, 1000))}
    return own_cell(folder, key, kind, rng.normal(size=(4, 1000)), stats, **fields)


def gaussian(folder, rng, key: str, kind: str = "cavi", *, below: float = 0.0, **fields):
    """The right q, whose F is so many nats below ln p(x), with a noise of 0.01 nats a draw."""
    noise = 0.01 * rng.normal(size=(1, 4000))
    stats = {"log_q": np.zeros((1, 4000)), "log_joint": LN_P - below + noise - noise.mean()}
    return own_cell(folder, key, kind, rng.normal(size=(1, 4000)), stats, **fields)


def judged(*cells):
    return judge_problem(Case(None, cells, 0, ReferenceOptions(), VerdictOptions()))


# ---- the reference --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unfit", [{"told": Told(warm_start="cavi")}, {"kind": "my_module:my_sampler"}], ids=["warm", "a user's"]
)
def test_chains_from_one_mode_and_methods_of_ones_own_are_no_reference(tmp_path, unfit):
    """They are judged like any other: against chains that may serve, or by nothing."""
    rng = np.random.default_rng(0)
    first, second = nuts(tmp_path, rng, "first", **unfit), nuts(tmp_path, rng, "second")
    both = judged(first, second)
    assert both.reference_cell == "second" and set(both.verdicts) == {"first"}
    assert both.verdicts["first"].decision == "pass", both.verdicts["first"].sentence
    alone = judged(first)
    assert alone.reference_cell is None and not alone.reference.qualified
    assert alone.verdicts["first"].decision == "undecided"


def test_a_sampler_of_ones_own_is_the_reference_where_the_configuration_says_so_and_the_page_says_it(
    tmp_path,
):
    rng = np.random.default_rng(0)
    cell = nuts(tmp_path, rng, "mine", kind="my_module:my_sampler")
    named = ReferenceOptions(samplers=("mine",))
    found = judge_problem(Case(None, (cell,), 0, named, VerdictOptions()))
    assert found.reference.qualified and found.reference_cell == "mine"
    said = "mine, a sampler of your own that the configuration lets stand as reference"
    assert said in found.reference.reason and found.reference.called == said


def test_a_judged_sampler_passes_the_whole_gate_and_says_what_it_does_not_state(tmp_path):
    rng = np.random.default_rng(0)
    truth, mine = nuts(tmp_path, rng, "truth"), {"kind": "my_module:my_sampler"}
    values = rng.normal(size=(4, 1000))
    silent = own_cell(tmp_path, "silent", values=values, stats={}, **mine)
    torn = own_cell(tmp_path, "torn", values=values, stats={"diverging": values > 0}, **mine)
    copied = own_cell(tmp_path, "copied", values=values[[0, 0, 0, 0]], stats={}, **mine)
    few = own_cell(tmp_path, "few", values=values[:1, :2], stats={}, **mine)
    verdicts = judged(truth, silent, torn, copied, few).verdicts
    assert verdicts["silent"].decision == "pass"
    assert "Judged: means, standard deviations and the joint log density." in verdicts["silent"].sentence
    assert "its draws state no diverging and no energy" in verdicts["silent"].sentence
    for name, said in (
        ("torn", "transitions diverged"),
        ("copied", "copies"),
        ("few", "2 draws are too few"),
    ):
        assert verdicts[name].decision == "undecided" and said in verdicts[name].sentence


def test_sds_that_a_q_may_have_are_wrong_for_a_sampler(tmp_path):
    """0.7 of the reference's: within a factor of 2, and not of 1.25."""
    rng = np.random.default_rng(0)
    truth = nuts(tmp_path, rng, "truth")
    q = own_cell(tmp_path, "q", "cavi", 0.7 * rng.normal(size=(1, 4000)), {"log_q": np.zeros((1, 4000))})
    chains = own_cell(tmp_path, "chains", "m:s", 0.7 * rng.normal(size=(4, 1000)), {})
    verdicts = judged(truth, q, chains).verdicts
    assert verdicts["q"].decision == "pass", verdicts["q"].sentence
    assert verdicts["chains"].decision == "fail", verdicts["chains"].sentence


@pytest.mark.parametrize("order", [("good", "bad"), ("bad", "good")])
def test_of_several_samplers_one_that_qualifies_is_the_reference_whatever_their_order(tmp_path, order):
    rng = np.random.default_rng(0)
    cells = {"good": nuts(tmp_path, rng, "good"), "bad": nuts(tmp_path, rng, "bad")}
    write_tree(cells["bad"].draws, apart(read_tree(cells["bad"].draws)))
    found = judged(*(cells[name] for name in order))
    assert found.reference.qualified and found.reference_cell == "good"


def apart(tree):
    """The same draws, each chain around a centre of its own."""
    centres = xr.DataArray(10.0 * np.arange(4), dims="chain")
    moved = {group: (tree[group].to_dataset() + centres) for group in ("posterior", "quantities")}
    return xr.DataTree.from_dict({**moved, "sample_stats": tree["sample_stats"].to_dataset()})


def test_a_sampler_that_is_the_reference_is_due_no_verdict(tmp_path):
    rng = np.random.default_rng(0)
    cell = nuts(tmp_path, rng, "first")
    record = replace(cell, measurements=judged(cell).measurements["first"])
    assert conclude({"first": "nuts"}, [record]).decision == "none"
    assert conclude({"first": "nuts"}, [cell]).decision == "undecided"  # never judged


def test_a_problem_without_any_draws_is_judged_all_the_same():
    cell = CellRecord(Cell("d", "m", "cavi", 1, "a", "cavi"), "ok", "")
    found = judged(cell)
    assert not found.reference.qualified and not found.verdicts and not found.measurements


@pytest.mark.parametrize(
    ("told", "handed_on"),
    [(Told(sampler="gibbs"), True), (Told(sampler="gibbs", warm_start="cavi"), False), (Told(), False)],
)
def test_gibbs_is_known_by_what_it_tells_whatever_the_user_calls_it(tmp_path, monkeypatch, told, handed_on):
    given = {}

    def nobody(*_, **options):
        given.update(options)
        return Reference("none", False, "none was asked for")

    monkeypatch.setattr(judging, "reference", nobody)
    path = tmp_path / "a.nc"
    rng = np.random.default_rng(0)
    write_tree(path, to_datatree({"mu": rng.normal(size=(2, 50, 2, 1))}))
    cell = CellRecord(Cell("d", "m", "my_chains", 1, "a", "gibbs"), "ok", "", draws=path, told=told)
    judge_problem(Case(PROBLEM, (cell,), 0, ReferenceOptions(), VerdictOptions()))
    assert (given["gibbs_draws"] is not None) == handed_on


# ---- what is measured and said of an own model ----------------------------------------------------


def test_a_worse_optimum_is_told_of_an_own_model_too(tmp_path):
    """Of the same family alone, and only where the method would not have got there by itself."""
    rng = np.random.default_rng(1)
    same, other = Told(family="mean field"), Told(family="full rank")
    low = gaussian(tmp_path, rng, "low", below=2.5, told=same)
    high = gaussian(tmp_path, rng, "high", told=same)
    truth = nuts(tmp_path, rng, "truth")
    said = "It sits at a worse optimum: the best known bound is 2.50 nats higher."
    verdicts = judged(low, high, truth).verdicts
    assert said in verdicts["low"].sentence and "worse optimum" not in verdicts["high"].sentence
    for changed in (replace(low, told=replace(same, bound_left=2.5)), replace(low, told=other)):
        assert "worse optimum" not in judged(changed, high, truth).verdicts["low"].sentence


def test_an_own_model_has_starts_iwae_and_cost_measured(tmp_path):
    rng = np.random.default_rng(2)
    trace = np.array([[0.5, LN_P - 1, 0.0], [1.5, LN_P - 0.001, 0.0], [2.0, LN_P, 0.0]])
    told = Told(starts=20, starts_at_best=15)
    cavi = gaussian(tmp_path, rng, "cavi", bound=LN_P, bound_se=0.0, trace=trace, told=told)
    measured = judged(cavi, nuts(tmp_path, rng, "nuts")).measurements
    assert measured["cavi"]["share_at_best"].value == 0.75
    assert measured["cavi"]["cost_to_accuracy"].value == 1.5
    # weights of 0.01 nats of noise: IWAE is F + 0.01^2/2 at most
    assert measured["cavi"]["iwae"].value == pytest.approx(LN_P, abs=0.001)
    rate = measured["nuts"]["ess_per_second"].value
    assert 0.8 * 2000 < rate < 1.2 * 2000  # 4000 independent draws in 2 seconds
    assert measured["nuts"]["cost_to_accuracy"].value == pytest.approx(1 / rate)


# ---- no decision by a note ------------------------------------------------------------------------


def test_a_bound_proves_nothing_where_it_is_an_estimate_and_not_where_a_note_says_so():
    truth = Reference("enumeration", True, "Exact.", log_evidence=Estimate(LN_P, 0.0, "enumeration"))
    small = Measurement([0.0], [0.01], "reference sd")
    measured = {
        "mean_error": small,
        "sd_ratio": Measurement([1.0], [0.01], "ratio"),
        "symmetrised_bound": Measurement(LN_P + 1, 0.01, "nats", "about this: 2 nats of it were estimated"),
    }
    asked = {"method": "it", "outcome": "converged"}
    assert verdict_of_cell(measured, truth, **asked, estimated=("symmetrised_bound",)).decision == "pass"
    assert verdict_of_cell(measured, truth, **asked).impossible


@pytest.mark.parametrize(("how", "decision"), [("exact", "fail"), ("at least", "fail"), ("about", "pass")])
def test_the_judge_knows_which_bounds_are_estimates(tmp_path, monkeypatch, how, decision):
    """F(q_sym) one nat above ln p(x): impossible, unless it was estimated."""
    rng = np.random.default_rng(3)
    mu = np.array([[-2.0], [2.0]]) + rng.normal(size=(1, 4000, 2, 1))
    truth = Reference(
        "enumeration", True, "Exact.", to_datatree({"mu": mu}), Estimate(LN_P, 0.0, "enumeration")
    )
    monkeypatch.setattr(judging, "reference", lambda *_, **__: truth)
    names = ("log_joint", "log_q", "log_q_symmetrised", "symmetrised_slack")
    columns = dict(zip(names, (LN_P, 0.5, -1.0, 2.0), strict=True))
    tree = to_datatree(
        {"mu": mu}, sample_stats={name: np.full((1, 4000), value) for name, value in columns.items()}
    )
    tree["sample_stats"].attrs["symmetrised"] = how
    write_tree(tmp_path / "a.nc", tree)
    cell = CellRecord(
        Cell("d", "m", "advi", 1, "a", "advi"), "ok", "", "converged", 0.0, 1.0, draws=tmp_path / "a.nc"
    )
    verdict = judge_problem(Case(PROBLEM, (cell,), 0, ReferenceOptions(), VerdictOptions())).verdicts["a"]
    assert verdict.decision == decision, verdict.sentence
