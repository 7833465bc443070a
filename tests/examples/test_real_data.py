"""Real data with published or independently computed answers; see docs/real-data.md.

Seeds are fixed and nothing is drawn but starts. What is allowed stands beside each answer.
"""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from examples.real_data import likelihood
from examples.real_data.answers import COUNTS, ROLES, all_answers
from examples.real_data.cases import HERE, columns, shipped
from examples.real_data.table import BEGIN, END, PAGE, table, written

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def answers():
    return all_answers()


def test_ours_are_as_near_to_theirs_as_is_said(answers):
    assert len(answers) >= 12
    far = [
        (answer.name, name, answer.ours[name], theirs)
        for answer in answers
        for name, theirs in answer.theirs.items()
        if not (np.abs(np.subtract(answer.ours[name], theirs)) <= answer.allowed[name]).all()
    ]
    assert not far


def test_the_page_names_all_of_them(answers):
    page = PAGE.read_text("utf-8")
    assert all(f"**{answer.name}**" in page for answer in answers)
    assert written(f"a {BEGIN} old {END} b", "new") == f"a {BEGIN}\n\nnew\n\n{END} b"
    assert table(answers).count("\n") == 1 + len(answers)


def test_typed_tables_have_their_published_totals():
    totals = {name: (sum(n), int(np.arange(len(n)) @ n)) for name, (n, _) in COUNTS.items()}
    assert totals == {
        "death notices": (365 + 365 + 366, 2364),
        "lamb movements": (240, 86),
        "horse kicks": (200, 122),
        "flying bombs": (576, 537),
    }
    assert ROLES.sum() == 216
    rows = {"banknote": 200, "diabetes": 145, "thyroid": 215}
    assert {name: len(columns(HERE / f"{name}.csv")[0]) for name in rows} == rows
    assert (len(shipped("galaxies")), len(shipped("faithful"))) == (82, 272)


def test_typed_tables_give_the_published_likelihoods():
    """Death notices by Hasselblad (1969), role conflict by Goodman (1974)."""
    _, weight, rate = likelihood.poissons(COUNTS["death notices"][0], 2)
    np.testing.assert_allclose([weight[0], *rate], [0.360, 1.256, 2.663], rtol=0, atol=6e-4)
    patterns = 1.0 - np.array(list(np.ndindex(2, 2, 2, 2)))
    assert likelihood.classes(patterns, ROLES, 1)[0] == pytest.approx(81.084, abs=1e-3)
    assert likelihood.classes(patterns, ROLES, 2)[0] == pytest.approx(2.720, abs=1e-3)
