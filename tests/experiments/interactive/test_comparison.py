"""A study as an object: parts by name, verdict, table, figures, draws, report, and how it shows itself."""

import io
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import elbowroom
from experiments.interactive.comparison import Comparison
from experiments.records import Verdict
from experiments.report import ReportPaths
from experiments.report.tidy import COLUMNS
from hand_cavi import InputError
from tests.experiments.interactive.conftest import EIGHT
from tests.experiments.report.test_kinds_of_study import own_study


def test_parts_go_by_the_names_of_data_sets_models_and_methods(made_up):
    first = made_up.datasets[0]
    assert made_up[first].datasets == (first,) and len(made_up[first].problems) == 1
    assert made_up["advi"].methods == ("advi",) and len(made_up["advi"].problems) == 2
    part = made_up[first, "nuts"]
    assert part.datasets == (first,) and part.methods == ("nuts",)
    repeat = made_up.problems[0]._record.problems[0].repeat
    assert made_up.select(dataset=first, repeat=repeat).datasets == (first,)
    assert [one.datasets[0] for one in made_up.problems] == list(made_up.datasets)
    with pytest.raises(InputError, match='no data set, model or method "advii" .*did you mean "advi"'):
        made_up["advii"]
    with pytest.raises(InputError, match="has no .*99"):
        made_up.select(dataset=first, repeat=99)


def test_the_verdict_on_a_part_is_about_that_part(made_up, eight):
    assert made_up.verdict is made_up._record.verdict
    advi = made_up[made_up.datasets[0], "advi"]
    assert advi.verdict == advi._cells[0].verdict
    of_cavi = made_up[made_up.datasets[0]].verdict  # the study's choice
    assert of_cavi == made_up[made_up.datasets[0], "cavi"].verdict != advi.verdict
    assert str(of_cavi) == of_cavi.sentence
    assert eight.problems[0].verdict is eight.verdict  # it is the whole


def test_which_methods_a_part_is_judged_by_is_the_studys_choice(made_up):
    record = replace(made_up._record, config='name = "s"\n[verdict]\nmethods = ["advi"]\n')
    study = Comparison(record)
    assert study[study.datasets[0]].verdict == study[study.datasets[0], "advi"].verdict


def test_the_table_is_what_export_writes(eight, command):
    table = eight.table()
    assert tuple(table.columns) == COLUMNS
    bound = table.query("metric == 'own_bound' and method == 'cavi'").value.item()
    assert bound == pytest.approx(-18.716970286055, abs=1e-9)  # docs/mathematics.md, 11
    target = eight.folder / "table.csv"
    assert command("export", eight.folder, "--format", "csv", "--to", target)[0] == 0
    written = np.genfromtxt(io.StringIO(target.read_text()), delimiter=",", dtype=str, usecols=0)
    assert len(written) == len(table) + 1


def test_every_figure_is_drawn_or_says_why_not(made_up):
    problem, drawn = made_up.problems[0], set()
    for name in problem.plots:
        try:
            axes = problem.plot(name)
        except InputError as error:
            assert f'the figure "{name}" does not apply' in str(error)
            continue
        drawn.add(name)
        figure = np.ravel(axes)[0].figure
        assert set(np.ravel(axes)) <= set(figure.axes)
        plt.close(figure)
    assert drawn >= {"ladder", "forest", "density", "predictive", "components", "trace", "sd_ratio"}


def test_figures_go_into_axes_that_are_given(made_up):
    problem = made_up.problems[0]
    _, ax = plt.subplots()
    assert problem.plot_ladder(ax=ax) is ax and len(ax.get_yticks()) > 4
    mixture = problem._record.problems[0].problem.mixture
    _, three = plt.subplots(1, mixture.n_components)
    assert list(problem.plot_forest(three)) == list(three)
    assert [axes.get_title(loc="left") for axes in three][0] == "component 1"
    problem.plot_density(list(three))
    assert three[0].get_legend() is not None  # in the axes, not above somebody's figure
    for wrong in (three[:1], [], ["x"], 3):
        with pytest.raises(InputError, match=r"panels?; give|ax holds"):
            problem.plot_forest(wrong)


def test_the_same_marks_as_in_the_report(made_up):
    """What is drawn by pyplot, and into given axes, is what the page has: line by line."""
    problem = made_up.problems[0]
    picture = problem._picture("forest")
    theirs = picture.draw(7.4).axes
    for ours in (problem.plot_forest(), problem.plot_forest(plt.subplots(1, len(theirs))[1])):
        for one, other in zip(np.ravel(ours), theirs, strict=True):
            lines = zip(one.lines, other.lines, strict=True)
            assert all((a.get_xydata() == b.get_xydata()).all() for a, b in lines)


def test_one_problem_has_to_be_chosen(made_up):
    for ask in (made_up.plot_ladder, lambda: made_up.to_datatree("nuts")):
        with pytest.raises(InputError, match="has 2 problems; choose one, such as study"):
            ask()
    with pytest.raises(InputError, match='no figure "lader"; there are ladder, forest'):
        made_up.problems[0].plot("lader")


def test_draws_are_relabelled_or_raw(eight):
    named, raw = eight.to_datatree("gibbs"), eight.to_datatree("gibbs", raw=True)
    mu, as_drawn = named["posterior"]["mu"].to_numpy(), raw["posterior"]["mu"].to_numpy()
    np.testing.assert_array_equal(np.sort(mu, axis=2), np.sort(as_drawn, axis=2))
    assert (mu[..., 0, 0] < mu[..., 1, 0]).mean() > 0.99  # the Gibbs sampler names them as it likes
    assert (as_drawn[..., 0, 0] < as_drawn[..., 1, 0]).mean() < 0.95
    assert list(eight.to_datatrees()) == ["cavi", "gibbs"]
    assert {"log_likelihood", "posterior_predictive", "observed_data"} <= set(named.children)
    assert named.attrs["method"] == "gibbs" and named["posterior"]["mu"].attrs["units"] == "km"
    with pytest.raises(InputError, match="say of which method: there are cavi, gibbs"):
        eight.to_datatree()
    with pytest.raises(InputError, match="has no advi"):
        eight.to_datatree("advi")


def test_a_method_without_draws_says_why(made_up):
    failed = next(cell for cell in made_up._cells if cell.status != "ok")
    with pytest.raises(InputError, match="has no draws"):
        made_up[failed.cell.dataset].to_datatree(failed.cell.method)


def test_the_report_is_written_and_copied(eight, tmp_path, monkeypatch):
    def write(record, folder):
        (folder / "report.html").write_text(record.name)
        return ReportPaths(folder / "report.html", folder / "report.md")

    monkeypatch.setattr("experiments.report.write_report", write)
    assert eight.report() == eight.folder / "report.html"
    page = eight.report(tmp_path / "shared.html")
    assert page.read_text() == "eight"
    with pytest.raises(InputError, match="cannot write to"):
        eight.report(tmp_path / "nowhere" / "shared.html")


def test_it_shows_itself(eight, made_up):
    assert repr(eight) == "<Comparison eight (cavi, gibbs): pass>"
    page = eight._repr_html_()
    assert eight.verdict.sentence.partition(":")[0] in page and "data:image/png;base64," in page
    assert "<th>Verdict</th>" in page and page.count("<tr>") == 3 and "<script" not in page
    assert repr(made_up).startswith("<Comparison ") and "2 problems" in repr(made_up)
    overview = made_up._repr_html_()
    assert overview.count("<tr>") == 3 and "<img" not in overview
    for problem in made_up.problems:
        assert problem._repr_html_().startswith("<div>")
    assert Verdict("pass", "a < b", 0.25)._repr_html_() == "<p><strong>a &lt; b</strong></p>"


def test_a_stored_study_is_loaded_by_folder_and_name(eight, monkeypatch):
    for study in (eight.folder, str(eight.folder)):
        assert elbowroom.load(study).verdict == eight.verdict
    with pytest.raises(InputError, match='there is no study "nowhere"'):
        elbowroom.load("nowhere")


def test_of_many_problems_the_worst_come_first(made_up):
    many = tuple(replace(made_up._record.problems[0], dataset=f"d{i}", content="") for i in range(25))
    page = Comparison(replace(made_up._record, problems=many))._repr_html_()
    assert page.count("<tr>") == 21 and "and 5 more" in page


@pytest.mark.slow
def test_nuts_beside_cavi_from_a_frame(tmp_path):
    import pandas as pd

    found = elbowroom.compare(
        pd.DataFrame({"v": EIGHT}),
        2,
        ("cavi", "nuts"),
        folder=tmp_path,
        progress=False,
        options={"workers": 2},
    )
    assert found["nuts"]._cells[0].status == "ok"
    assert set(found.table().method) == {"cavi", "nuts"}
    assert found.to_datatree("nuts")["posterior"].sizes["chain"] == 4


def test_a_study_of_ones_own_model(tmp_path):
    study = Comparison(own_study(tmp_path))
    assert study.models == ("coin",) and study.plots == ("forest", "density")
    assert len(study.plot_forest()) == len(study.plot_density()) == 2
    with pytest.raises(InputError, match='studies of own models have no figure "ladder"'):
        study.plot_ladder()
    page = study._repr_html_()
    assert page.count("<tr>") == 4 and "its process &lt;died&gt;" in page and "<img" not in page
    assert "quantities" in study.to_datatree("long run").children
    assert study["by hand"].verdict.decision == "fail"
