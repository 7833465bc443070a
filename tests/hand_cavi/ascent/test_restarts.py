"""Many starts on large data: they share passes, which changes nothing; those that stay below are given up."""

import sys

import numpy as np
import pytest

from hand_cavi import DirichletWeights, InputError, Mixture, NormalGamma, Status, fit
from hand_cavi.ascent.forecast import expected_gain
from hand_cavi.ascent.sweep import StreamedTask

MIXTURE = Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), DirichletWeights(1.0), 4)


def data(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + np.array([-6.0, -2.0, 2.0, 7.0])[rng.integers(0, 4, n)]


@pytest.fixture
def streaming(monkeypatch):
    monkeypatch.setattr(sys.modules["hand_cavi.fit"], "HELD", 0)


def test_sharing_passes_changes_no_bit(streaming):
    """A callback makes the starts go one by one."""
    arguments = {"rng": 0, "starts": 5, "max_sweeps": 60, "give_up": False}
    together = fit(MIXTURE, data(), **arguments)
    one_by_one = fit(MIXTURE, data(), **arguments, callback=lambda info: None)
    assert together.starts == one_by_one.starts
    assert np.array_equal(together.half_step_trace, one_by_one.half_step_trace)
    assert np.array_equal(together.components.natural, one_by_one.components.natural)


def test_a_pass_serves_all_starts(streaming, monkeypatch):
    asked = []
    pass_ = StreamedTask.refreshed_many
    monkeypatch.setattr(
        StreamedTask, "refreshed_many", lambda self, q: asked.append(len(q)) or pass_(self, q)
    )
    found = fit(MIXTURE, data(), rng=0, starts=5, max_sweeps=60, give_up=False)
    sweeps = sorted((start.sweeps for start in found.starts), reverse=True)
    assert len(asked) == sweeps[0] and sum(asked) == sum(sweeps)


@pytest.mark.parametrize("streamed", [False, True])
def test_starts_that_stay_below_are_given_up(streamed, monkeypatch):
    """Six data sets: the best bound stays the best, and sweeps are saved."""
    if streamed:
        monkeypatch.setattr(sys.modules["hand_cavi.fit"], "HELD", 0)
    saved = 0
    for seed in range(6):
        x = data(500, seed)
        arguments = {"rng": seed, "starts": 6, "max_sweeps": 500, "tolerance": 1e-11}
        whole, some = (fit(MIXTURE, x, **arguments, give_up=how) for how in (False, True))
        assert some.elbo == pytest.approx(whole.elbo, rel=1e-9)
        assert all(start.status is not Status.GIVEN_UP for start in whole.starts)
        given_up = [start for start in some.starts if start.status is Status.GIVEN_UP]
        assert some.status is not Status.GIVEN_UP
        assert all(start.elbo < some.elbo for start in given_up)
        saved += sum(s.sweeps for s in whole.starts) - sum(s.sweeps for s in some.starts)
    assert saved > 0


def test_the_same_starts_are_given_up_every_time(streaming):
    found = [fit(MIXTURE, data(1000), rng=1, starts=6, give_up=True) for _ in range(3)]
    assert found[0].starts == found[1].starts == found[2].starts


def test_the_forecast_is_that_of_a_geometric_series():
    bounds = -3.0 - 0.5 ** np.arange(10.0)
    assert expected_gain(*bounds[3:6]) == pytest.approx(-3.0 - bounds[5], rel=1e-12)
    assert expected_gain(-3.0, -2.9, -2.7) == float("inf")
    assert expected_gain(-3.0, -2.9, -2.9) == 0.0


def test_what_goes_wrong_in_one_start_is_told(streaming, monkeypatch):
    calls = []

    def fails(self, questions):
        calls.append(None)
        if len(calls) == 3:
            raise OSError("the disk is gone")
        return pass_(self, questions)

    pass_ = StreamedTask.refreshed_many
    monkeypatch.setattr(StreamedTask, "refreshed_many", fails)
    with pytest.raises(OSError, match="the disk is gone"):
        fit(MIXTURE, data(), rng=0, starts=3)


def test_what_goes_wrong_between_passes_is_told(streaming, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("in an ascent")

    monkeypatch.setattr("hand_cavi.ascent.forecast.Forecast.stays_below", broken)
    with pytest.raises(ZeroDivisionError, match="in an ascent"):
        fit(MIXTURE, data(), rng=0, starts=3)


def test_the_setting_is_checked():
    with pytest.raises(InputError, match="give_up is 'never'"):
        fit(MIXTURE, data(), rng=0, give_up="never")
