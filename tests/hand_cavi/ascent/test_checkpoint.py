"""A fit that is interrupted and taken up again ends as if nothing had happened, bit for bit."""

import sys

import numpy as np
import pytest

from hand_cavi import DirichletWeights, InputError, Mixture, NormalGamma, NormalKnownVariance, fit
from hand_cavi.ascent.checkpoint import Log


def data(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + np.array([-2.5, 0.5, 4.0])[rng.integers(0, 3, n)]


MIXTURE = Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), DirichletWeights(1.0), 3)
WAYS = {
    "held": {"condense": False},
    "condensed": {"condense": True},
    "with moves": {"condense": False, "moves": 3},
}


class Interruption(Exception):
    """What stops a fit from outside."""


def interrupted_after(n, monkeypatch):
    """Let so many passes over the data be made, and no more."""
    made = []
    pass_ = Log.through

    def through(self, *asked):
        if len(made) == n:
            raise Interruption
        made.append(None)
        return pass_(self, *asked)

    monkeypatch.setattr(Log, "through", through)


@pytest.mark.parametrize("n_passes", [0, 1, 7, 25])
@pytest.mark.parametrize(
    ("way", "streamed"),
    [(way, streamed) for way in WAYS for streamed in (False, True) if not (streamed and "moves" in way)],
)
def test_it_goes_on_bit_for_bit(way, n_passes, streamed, tmp_path, monkeypatch):
    if streamed:
        monkeypatch.setattr(sys.modules["hand_cavi.fit"], "HELD", 0)
    x = np.round(data(20_000), 2) if way == "condensed" else data()
    arguments = {"rng": 3, "starts": 2, "max_sweeps": 30, **WAYS[way]}
    whole = fit(MIXTURE, x, **arguments)
    path = tmp_path / "folder" / "fit.passes"
    with monkeypatch.context() as patch, pytest.raises(Interruption):
        interrupted_after(n_passes, patch)
        fit(MIXTURE, x, **arguments, checkpoint=path)
    with path.open("ab") as file:
        file.write(b"cut off")
    resumed = fit(MIXTURE, x, **arguments, checkpoint=path)
    assert np.array_equal(resumed.components.natural, whole.components.natural)
    assert np.array_equal(resumed.half_step_trace, whole.half_step_trace)
    assert resumed.elbo_terms == whole.elbo_terms and resumed.starts == whole.starts
    again = fit(MIXTURE, x, **arguments, checkpoint=path)
    assert np.array_equal(again.components.natural, whole.components.natural)


def test_a_log_of_another_fit_is_refused(tmp_path):
    x, path = data(), tmp_path / "fit.passes"
    fit(MIXTURE, x, rng=0, starts=1, max_sweeps=5, checkpoint=path)
    before = path.read_bytes()
    others = [
        lambda: fit(MIXTURE, x + 1e-9, rng=0, starts=1, max_sweeps=5, checkpoint=path),
        lambda: fit(MIXTURE, x, rng=1, starts=1, max_sweeps=5, checkpoint=path),
    ]
    for other in others:
        with pytest.raises(InputError, match="belongs to another fit"):
            other()
    family = Mixture(NormalKnownVariance(0.0, 9.0), DirichletWeights(1.0), 3)
    with pytest.raises(InputError, match="no checkpoint of a fit with 3 components and this family"):
        fit(family, x, rng=0, checkpoint=path)
    assert path.read_bytes() == before
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is no checkpoint"):
        fit(MIXTURE, x, rng=0, checkpoint=tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(InputError, match="is a folder; give a file"):
        fit(MIXTURE, x, rng=0, checkpoint=tmp_path)
