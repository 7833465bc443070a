"""`assert_derivation`, in plain Python and as a fixture of pytest, on derivations right and wrong."""

import pytest

from elbowroom.testing import assert_derivation
from experiments.checks.loading import _from_file, skeleton
from hand_cavi import InputError

pytest_plugins = ["pytester"]

MISTAKE = ("v=s.b / (s.a * (lambda0 + len(x)))", "v=s.b / (s.a * len(x))")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The skeleton of a derivation: right, with the prior forgotten in a width, and without a density."""
    folder = tmp_path_factory.mktemp("derivations")
    assert MISTAKE[0] in skeleton()
    (folder / "right_model.py").write_text(skeleton())
    (folder / "wrong_model.py").write_text(skeleton().replace(*MISTAKE))
    (folder / "bare_model.py").write_text(skeleton().replace("def log_joint", "def another"))
    return folder


def test_a_right_derivation_passes_by_class_object_and_name(files):
    module = _from_file(files / "right_model.py")
    for derivation in (module.Derivation, module.Derivation(), f"{files / 'right_model.py'}:Derivation"):
        assert assert_derivation(derivation).passed
    assert assert_derivation(module.Derivation, log_joint=module.log_joint).passed


def test_a_wrong_one_fails_with_the_checkers_sentence(files):
    seen = []
    with pytest.raises(AssertionError, match=r"^Wrong: mu\.\n  .*mu.*") as failed:
        assert_derivation(_from_file(files / "wrong_model.py").Derivation, seen=seen.append)
    (report,) = seen
    assert report.faults and all(fault.message in str(failed.value) for fault in report.faults)
    with pytest.raises(AssertionError, match=r"wrong_model.py:Derivation: Wrong: mu\."):
        assert_derivation(f"{files / 'wrong_model.py'}:Derivation")


def test_what_could_not_be_decided_is_not_passed_over(files, monkeypatch):
    from experiments.checks import asserting
    from experiments.checks.results import Decision, Report, Result

    open_ = Report((Result("elbo", "mu", Decision.UNDECIDED, "It may be."),), (), 0.005, 0.1)
    monkeypatch.setattr(asserting, "check", lambda *arguments, **settings: open_)
    module = _from_file(files / "right_model.py")
    with pytest.raises(AssertionError, match="could not decide everything"):
        assert_derivation(module.Derivation)
    assert assert_derivation(module.Derivation, allow_undecided=True) is open_


def test_without_a_density_one_sentence_says_so(files):
    with pytest.raises(InputError, match='beside "Derivation" there is no "log_joint" or "model"'):
        assert_derivation(_from_file(files / "bare_model.py").Derivation)


def test_a_report_says_it_in_a_line_and_in_a_notebook(files):
    report = assert_derivation(_from_file(files / "right_model.py").Derivation)
    questions = len(report.results)
    assert repr(report) == f"<Report of {questions} questions: Nothing wrong was found.>"
    page = report._repr_html_()
    assert page.count("<tr>") == questions + 1 and "Nothing wrong was found." in page
    assert "<script" not in page


def test_the_fixture_shows_all_answers(files, pytester):
    pytester.makepyfile(
        f"""
        def test_right(assert_derivation):
            assert_derivation({str(files / "right_model.py:Derivation")!r})

        def test_wrong(assert_derivation):
            assert_derivation({str(files / "wrong_model.py:Derivation")!r})
        """
    )
    done = pytester.runpytest_inprocess(
        "-p", "elbowroom.pytest_plugin", "--junitxml=junit.xml", "-p", "no:cacheprovider"
    )
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["E *Wrong: mu.", "*- Captured derivation call -*", "  definition *WRONG*"])
    assert "asserting.py" not in done.stdout.str()  # it fails where the test stands
    junit = (pytester.path / "junit.xml").read_text()
    assert '<property name="elbowroom.passed" value="false"' in junit
