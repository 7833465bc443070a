"""What figures draw, against figures that were computed in other ways."""

import numpy as np
import pytest

pytest.importorskip("myst_nb", reason="needs the group docs: uv run --group docs pytest")

from docs.making.figures import ascent, bounds, width
from tests.mathematics_page import agrees, section, tables


@pytest.mark.parametrize("name", ["apart", "close"])
def test_bounds_are_those_of_the_page_on_mathematics(name):
    drawn = {label: value for label, _, value in bounds.figures(name)}
    evidence, under_textbook = tables(section(11))[:2]
    row = next(row for row in evidence[1:] if row[:2] == [name, "textbook"])
    agrees(row[2], drawn["log evidence"])
    agrees(row[3], drawn["CAVI: ELBO"])
    column = under_textbook[0].index(name)
    said = {row[0]: row[column] for row in under_textbook[1:]}
    agrees(said["F at CAVI's q"], drawn["CAVI: F"])
    agrees(said["F(q_sym) at CAVI's q"], drawn["CAVI: F symmetrised"])
    agrees(said["F at its best q"], drawn["best F: F"])
    agrees(said["F(q_sym) at F's best q"], drawn["best F: F symmetrised"])


def test_the_ascent_never_falls_and_finds_the_clusters():
    states, elbo = ascent.film()
    assert (np.diff(elbo) > -1e-9).all() and len(states) == max(ascent.SHOWN) + 1
    assert states[4]["m"] == pytest.approx(ascent.CENTRES, abs=0.6)  # by the fourth sweep, as the page says
    assert states[-1]["m"] == pytest.approx(ascent.CENTRES, abs=0.25)


def test_the_exact_posterior_has_the_widths_of_the_page_on_mathematics():
    low, high, share = width.exact()
    _, sds, covariances, _ = tables(section(11))[2]
    p, q = share.sum(axis=1), share.sum(axis=0)
    centred = low - p @ low, high - q @ high
    agrees(sds[3], np.sqrt([q @ centred[1] ** 2, p @ centred[0] ** 2]))  # the page has the upper one first
    agrees(covariances[3], centred[0] @ share @ centred[1])
