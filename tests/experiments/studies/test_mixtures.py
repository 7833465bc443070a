import numpy as np
import pytest

from experiments.config.reading import default_config_text, parse_config
from experiments.engine import fingerprint, seeds
from experiments.families.formula import formula
from experiments.studies.mixtures import load_dataset, plan
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance

HEAD = 'name = "grid"\nseed = 3\n'
SIMULATED = '[[datasets]]\nname = "{}"\nsource = "simulated"\nn = {}\nmeans = [-2.0, 2.0]\n'
GALAXIES = '[[datasets]]\nname = "galaxies"\n'
MODEL = (
    '[[models]]\nname = "{}"\nfamily = "normal_known_variance"\ncomponents = {}\n'
    "prior = {{mean = 0.0, variance = {}}}\n"
)
METHOD = '[[methods]]\nname = "{}"\nkind = "cavi"\nstarts = {}\n'
RUN = "[run]\nrepeats = {}\n"

BASE = [SIMULATED.format("a", 12), MODEL.format("two", 2, 25.0), METHOD.format("cavi", 5)]


def study(*blocks, head=HEAD):
    return plan(parse_config(head + "".join(blocks)))


def numbers(built):
    """Return, for each cell, all that its result depends on."""
    found = {}
    for problem in built.problems:
        judging = problem.judge(())
        for planned in problem.cells:
            cell, work = planned.cell, planned.task.payload
            found[cell.dataset, cell.model, cell.method, cell.repeat] = (
                cell.key,
                work.rng_seed,
                work.starts_seed,
                judging.payload.seed,
                problem.entry.key,
                problem.content.x.tobytes(),
            )
    return found


def test_the_grid_is_datasets_times_models_times_repeats_times_methods():
    only_b = MODEL.format("only-b", 3, 4.0) + 'datasets = ["b"]\n'
    built = study(*BASE, SIMULATED.format("b", 5), only_b, METHOD.format("brief", 1), RUN.format(2))
    places = [(p.entry.dataset, p.entry.model, p.entry.repeat) for p in built.problems]
    assert places == [(d, m, r) for r in (1, 2) for d, m in (("a", "two"), ("b", "two"), ("b", "only-b"))]
    methods = [[planned.cell.method for planned in problem.cells] for problem in built.problems]
    assert methods == [["cavi", "brief"]] * 6
    assert len({c.cell.key for c in built.cells}) == 12 and len({p.entry.key for p in built.problems}) == 6


@pytest.mark.parametrize(
    "added",
    [
        [METHOD.format("another", 7)],
        [SIMULATED.format("first", 9)],
        [GALAXIES],
        [MODEL.format("three", 3, 25.0)],
        [RUN.format(3)],
        [
            METHOD.format("another", 7),
            SIMULATED.format("b", 9),
            MODEL.format("three", 3, 25.0),
            RUN.format(2),
        ],
    ],
)
def test_adding_to_an_axis_changes_no_other_number(added):
    before = numbers(study(*BASE))
    for blocks in ([*BASE, *added], [*added, *BASE]):
        after = numbers(study(*blocks))
        assert len(after) > len(before)
        assert {place: after[place] for place in before} == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed = 3", "seed = 4"),
        ("n = 12", "n = 13"),
        ("2.0]", "2.5]"),
        ("variance = 25.0", "variance = 24.0"),
        ("variance = 25.0", "variance = 25.0, noise_variance = 2.0"),
        ("mean = 0.0", "mean = 0.5"),
        ("components = 2", "components = 3"),
        ("starts = 5", "starts = 6"),
    ],
)
def test_whatever_changes_a_number_changes_the_key(old, new):
    text = HEAD + "".join(BASE)
    assert old in text
    before, after = (plan(parse_config(t)).cells[0].cell.key for t in (text, text.replace(old, new)))
    assert before != after


def test_words_and_resources_do_not_change_the_key():
    text = HEAD + "".join(BASE)
    same = text.replace('"grid"', '"other"') + "[run]\nworkers = 1\ntime_limit = 5.0\n# end"
    assert numbers(plan(parse_config(text))) == numbers(plan(parse_config(same)))


def test_options_of_the_judge_change_a_problems_key_and_no_cells():
    before = study(*BASE)
    for table in (
        "[verdict]\nmargin = 0.5\n",
        "[verdict]\nerror_rate = 0.05\n",
        '[reference]\nmethod = "none"\n',
    ):
        after = study(*BASE, table)
        assert after.problems[0].entry.key != before.problems[0].entry.key
        assert after.cells[0].cell.key == before.cells[0].cell.key


def test_code_and_versions_are_in_the_key(monkeypatch):
    before = numbers(study(*BASE))
    monkeypatch.setattr(fingerprint, "versions", lambda *more: {"numpy": "0"})
    assert not set(numbers(study(*BASE)).values()) & set(before.values())
    monkeypatch.undo()
    monkeypatch.setattr(fingerprint, "code_of", lambda path: "other")
    assert study(*BASE).cells[0].cell.key not in {values[0] for values in before.values()}


def test_a_methods_code_is_its_own():
    codes = {kind: fingerprint.code(f"experiments.methods.{kind}") for kind in ("cavi", "advi", "nuts")}
    assert len(set(codes.values())) == 3
    assert all(len(code) == 64 for code in codes.values())


def test_all_methods_of_a_problem_see_the_same_bytes_and_cannot_change_them():
    built = study(*BASE, METHOD.format("brief", 1))
    first, second = (planned.task.payload.target.problem.x for planned in built.cells)
    assert first is second
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0


def test_data_depend_on_seed_dataset_and_repeat_only():
    built = study(*BASE, SIMULATED.format("b", 12), MODEL.format("three", 3, 25.0), RUN.format(2))
    data = {(p.entry.dataset, p.entry.model, p.entry.repeat): p.content.x.tobytes() for p in built.problems}
    assert data["a", "two", 1] == data["a", "three", 1]
    assert len({data["a", "two", 1], data["a", "two", 2], data["b", "two", 1], data["b", "two", 2]}) == 4


def test_starts_are_the_same_for_every_method_and_streams_differ():
    built = study(*BASE, METHOD.format("brief", 5), RUN.format(2))
    works = [planned.task.payload for planned in built.cells]
    problem_seeds = [work.starts_seed for work in works[::2]]
    assert [work.starts_seed for work in works[1::2]] == problem_seeds
    problem_seeds += [problem.judge(()).payload.seed for problem in built.problems]
    assert len({*problem_seeds, *(work.rng_seed for work in works)}) == 4 + 4
    assert all(0 <= seed < 2**32 for seed in problem_seeds)


def test_paths_of_names_do_not_run_into_each_other():
    paths = [("a", "bc"), ("ab", "c"), ("abc",), ("a", "b", "c"), ("a,1:b", "c"), ("a", 1), ("a", "11")]
    assert len({seeds.integer(1, *path) for path in paths}) == len(paths)
    assert seeds.integer(1, "a") != seeds.integer(2, "a")
    assert seeds.integer(3, "data", "a", 1) == 266986631  # held for ever: stored studies resume by it


def test_cavi_is_judged_unless_told_otherwise():
    blocks = [*BASE, METHOD.format("brief", 1)]
    assert [cell.judged for cell in study(*blocks).cells] == [True, True]
    assert [cell.judged for cell in study(*blocks, '[verdict]\nmethods = ["brief"]\n').cells] == [False, True]


def test_fewer_points_than_components_is_a_warning():
    built = study(SIMULATED.format("a", 1), *BASE[1:], RUN.format(2))
    assert built.warnings == ("a, two: 1 point for 2 components; at least 1 must stay empty",)
    assert not study(*BASE).warnings


def test_a_prior_that_does_not_fit_the_data_is_refused():
    wide = BASE[1].replace("mean = 0.0", "mean = [0.0, 1.0]")
    with pytest.raises(InputError, match='model "two" on data set "a": the prior mean has 2 features'):
        study(BASE[0], wide, BASE[2])


OWN = """\
import numpy as np
from experiments.datasets import Dataset
from pydantic import BaseModel

class bad:
    class Settings(BaseModel):
        pass

    @staticmethod
    def load(settings, rng):
        return Dataset(np.array([1.0, np.nan]), ("x",), "Bad.")
"""


def test_a_source_of_the_users_own_is_checked(tmp_path, monkeypatch):
    (tmp_path / "my_elbowroom_data.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    text = HEAD + '[[datasets]]\nname = "mine"\nsource = "my_elbowroom_data:bad"\n' + "".join(BASE[1:])
    entry = parse_config(text).datasets[0]
    with pytest.raises(InputError, match='data set "mine": the data hold nan in row 1'):
        load_dataset(entry, 1, 1)


def test_the_default_study():
    built = plan(parse_config(default_config_text()))
    large, small = built.problems
    assert large.content.x.shape == (1000, 1) and large.content.mixture.n_components == 5
    assert small.content.x.shape == (10, 1) and small.content.mixture.n_components == 3
    assert float(large.content.mixture.components.variance) == 25.0
    assert len(built.cells) == 8 and not built.warnings
    means = np.sort(large.content.truth["mu"][:, 0])
    assert np.min(np.diff(means)) >= 4  # noise standard deviations: a newcomer sees five clusters
    assert len(set(small.content.truth["assignments"])) == 3


def test_the_formula_is_plain_text():
    textbook = Mixture(NormalKnownVariance(np.array(0.0), np.array(25.0)), FixedWeights(), 5)
    assert formula(textbook, 1000) == (
        "mu_k ~ N(0, 25), c_i ~ Categorical(1/5), x_i given c_i ~ N(mu_{c_i}, 1), "
        "for components k = 1, ..., 5 and points i = 1, ..., 1000."
    )
    plane = Mixture(NormalKnownVariance(np.array([0.0, 1.0]), np.array(4.0), 0.5), FixedWeights(), 2)
    assert formula(plane, 3).startswith(
        "mu_k ~ N((0, 1), 4 I), c_i ~ Categorical(1/2), x_i given c_i ~ N(mu_{c_i}, 0.5 I)"
    )
