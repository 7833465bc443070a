"""What the rooms of `experiments` hand to each other: problems, results, references, records.

Plain frozen data, no behaviour beyond what a reader of a record needs. Letters: N points, D features,
K components, S draws. Canonical draws are dictionaries of arrays (S, K, ...), such as ``mu`` of shape
(S, K, D); on disk they are DataTrees with dimensions (chain, draw, component, feature).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xarray as xr

from hand_cavi import Mixture

Draws = dict[str, np.ndarray]


@dataclass(frozen=True)
class Condensation:
    """How well the weighted nodes of a problem stand for the points of its data set.

    Attributes
    ----------
    n_points : int
        Of the data set.
    exact : bool
        Whether the nodes are the distinct points themselves.
    error, relative_error : float
        The largest difference between the log likelihood of the nodes and that of all points, in nats, and
        relative to it.
    draws : int
        From CAVI's posterior, at which that was measured.
    seconds : float
        Condensing and measuring.
    edges, counts : ndarray, shapes (B + 1,) and (B,)
        A fine histogram of all points, for pictures; empty where nodes are the distinct points.
    """

    n_points: int
    exact: bool
    error: float
    relative_error: float
    draws: int
    seconds: float
    edges: np.ndarray
    counts: np.ndarray

    def sentence(self, n_nodes: int) -> str:
        """Return what a reader is to know of it."""
        what = f"{n_nodes:,} distinct points, weighted," if self.exact else f"{n_nodes:,} weighted nodes"
        return (
            f"{what} stand for {self.n_points:,} points; measured on all points at {self.draws} draws from "
            f"CAVI's posterior, the log likelihood is off by at most {self.error:.1e} nats, "
            f"{self.relative_error:.1e} of itself"
        )


@dataclass(frozen=True)
class Problem:
    """One data set under one model: what every method of a comparison sees.

    Attributes
    ----------
    mixture : Mixture
    x : ndarray, shape (N, D)
    sample_weight : ndarray, shape (N,), or None
    truth : dict of ndarray
        What a simulation knows (``mu`` (K, D), ``assignments`` (N,)); empty for real data.
    condensation : Condensation or None
        If x are nodes that stand for a larger data set: how well.
    """

    mixture: Mixture
    x: np.ndarray
    sample_weight: np.ndarray | None = None
    truth: Draws = field(default_factory=dict)
    condensation: Condensation | None = None

    @property
    def n_points(self) -> int:
        """The number of points of the data set, whatever stands for them."""
        return len(self.x) if self.condensation is None else self.condensation.n_points

    @property
    def drawn(self) -> tuple[np.ndarray, np.ndarray | None]:
        """What pictures show of the data: points, shape (n, D), and weights, shape (n,), or None."""
        if self.condensation is None or not self.condensation.counts.size:
            return self.x, self.sample_weight
        edges, counts = self.condensation.edges, self.condensation.counts
        return ((edges[1:] + edges[:-1]) / 2)[:, np.newaxis], counts


class Approximation(Protocol):
    """A distribution q(theta) that can be drawn from and evaluated, in the data's units."""

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n canonical draws, arrays of shape (n, K, ...)."""

    def log_density(self, draws: Draws) -> np.ndarray:
        """Return log q of any canonical draws, shape (S,)."""


@dataclass(frozen=True)
class MethodResult:
    """What a method gives for a problem.

    Attributes
    ----------
    outcome : str
        How it ended, in one word of its own: ``converged``, ``max_sweeps``, ``max_steps``, ``sampled``, ...
    message : str
        The same in a sentence.
    seconds_compile, seconds_run : float
        Preparing (building, compiling) and running, apart.
    draws : xarray.DataTree
        Canonical draws in group ``posterior``. Group ``sample_stats`` holds, for a sampler, what it says
        of each draw (``diverging``, ``energy``, ...); for an approximation the log densities of each draw:
        ``log_joint`` = log p(x, theta), ``log_q``, ``log_q_symmetrised``.
    bound : float or None
        The bound that the method itself optimises, in nats; None for a sampler.
    bound_se : float or None
        Its standard error; 0 where the bound is exact.
    trace : ndarray, shape (T, 3)
        (seconds of running, best own bound so far of any start, standard error); T may be 0.
    info : dict
        What else is worth telling, JSON values only: sampler, backend, cache_warm, sweeps, starts, ...
        ``bound_of`` says what `bound` is, so that it can be recomputed: ``theta`` for E_q[ln p(x, theta) - ln
        q(theta)], ``theta and assignments`` for the bound with the best q(c) beside the same q(theta).
    """

    outcome: str
    message: str
    seconds_compile: float
    seconds_run: float
    draws: xr.DataTree
    bound: float | None = None
    bound_se: float | None = None
    trace: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    info: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """A number and how sure of it one may be.

    Attributes
    ----------
    value : float
    standard_error : float
        0 where the number is exact up to rounding.
    method : str
        How it was obtained.
    quality : dict
        The figures that say how far the standard error may be trusted (k-hat, effective sample size,
        runs and their spread, ...), JSON values only.
    """

    value: float
    standard_error: float
    method: str
    quality: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """What stands for the truth about a problem, and how sure of it.

    Attributes
    ----------
    method : str
        The file of `experiments.references` that it comes from, or ``none``.
    qualified : bool
        Whether verdicts may lean on it.
    reason : str
        In one sentence, why it does or does not qualify.
    draws : xarray.DataTree or None
        Canonical draws from the exact posterior (independent unless `method` is a sampler).
    log_evidence : Estimate or None
        log p(x) in nats.
    quality : dict
        The figures behind `qualified` (R-hat, ESS, ...), JSON values only.
    opinions : tuple of Estimate
        log p(x) by other ways, each independent of `log_evidence`; a qualified reference agrees with them.
    """

    method: str
    qualified: bool
    reason: str
    draws: xr.DataTree | None = None
    log_evidence: Estimate | None = None
    quality: dict[str, Any] = field(default_factory=dict)
    opinions: tuple[Estimate, ...] = ()


@dataclass(frozen=True)
class Threshold:
    """What a figure is held against.

    Attributes
    ----------
    value : float
        In the measurement's unit.
    sense : str
        ``at most`` or ``at least``: where a good figure lies.
    source : str
        Who says so, such as ``Vehtari et al. (2024)``; empty for a convention of this project.
    """

    value: float
    sense: str
    source: str = ""

    @property
    def is_convention(self) -> bool:
        """Whether it is a convention of this project, not of the literature."""
        return not self.source


@dataclass(frozen=True)
class Measurement:
    """A metric's value: a number or an array, with standard errors of the same shape.

    Attributes
    ----------
    value, standard_error : float, list of floats, or None
        None where the figure does not exist; a standard error of 0 means exact.
    unit : str
        ``nats``, ``seconds``, ``data`` (the data's unit), ``reference sd``, ...
    note : str
        Why there is no figure, or how to read it; may be empty.
    interval : tuple of float
        Both ends of a 95 % interval where a standard error would mislead, such as Wilson's for a share;
        else empty.
    threshold : Threshold or None
    entries : tuple of str
        What the entries of a list are called; empty where their order says it.
    """

    value: float | list[Any] | None
    standard_error: float | list[Any] | None = None
    unit: str = ""
    note: str = ""
    interval: tuple[float, ...] = ()
    threshold: Threshold | None = None
    entries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """One quantity of a verdict: a method's figure against the reference's.

    Attributes
    ----------
    quantity : str
        Such as ``sorted mean 1``.
    difference, standard_error : float
        Method minus reference, in the comparison's unit.
    low, high : float
        The interval that holds the difference at the verdict's error rate.
    decision : str
        ``pass``, ``fail`` or ``undecided``.
    unit : str
        ``reference sd``; ``log ratio`` for standard deviations (the difference of their logarithms);
        ``total variation``; ``nats``.
    margin : float or None
        The largest difference that counts as agreement, in the same unit; None: the verdict's.
    needs : str
        What would decide an undecided comparison, such as ``about 4 times as many reference draws``.
    """

    quantity: str
    difference: float
    standard_error: float
    low: float
    high: float
    decision: str
    unit: str = "reference sd"
    margin: float | None = None
    needs: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a method's posterior agrees with the reference, within a stated margin.

    Attributes
    ----------
    decision : str
        ``pass``, ``fail``, ``undecided``, or ``none`` where no verdict was due.
    sentence : str
        The verdict, for a newcomer.
    margin : float
        Of the means, in reference standard deviations.
    comparisons : tuple of Comparison
        One for each judged quantity.
    needs : str
        What would decide an undecided verdict; empty for the others.
    impossible : tuple of str
        What the method showed that no correct method can, such as a bound above the evidence; with any of
        these the verdict is ``fail``, whatever the comparisons say.
    """

    decision: str
    sentence: str
    margin: float
    comparisons: tuple[Comparison, ...] = ()
    needs: str = ""
    impossible: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """The identity of one run of one method: where it stands in the grid, and its content key."""

    dataset: str
    model: str
    method: str
    repeat: int
    key: str


@dataclass(frozen=True)
class CellRecord:
    """What is kept of one cell.

    Attributes
    ----------
    cell : Cell
    status : str
        ``ok``, ``failed`` (an exception), ``crashed`` (its process died), ``timed_out``, ``not_finite``.
    message : str
        How it ended, in a sentence.
    outcome : str
        The method's own word, see `MethodResult`; empty if it did not get so far.
    seconds_compile, seconds_run : float or None
    bound, bound_se : float or None
    info : dict
    trace : ndarray, shape (T, 3)
    draws : Path or None
        The netCDF file of the draws.
    measurements : dict of str to Measurement
        By metric name (the metric's file name).
    verdict : Verdict or None
        None until judged.
    """

    cell: Cell
    status: str
    message: str
    outcome: str = ""
    seconds_compile: float | None = None
    seconds_run: float | None = None
    bound: float | None = None
    bound_se: float | None = None
    info: dict[str, Any] = field(default_factory=dict)
    trace: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    draws: Path | None = None
    measurements: dict[str, Measurement] = field(default_factory=dict)
    verdict: Verdict | None = None


@dataclass(frozen=True)
class ProblemRecord:
    """One problem of a study with all its cells, for the report.

    Attributes
    ----------
    dataset, model : str
        Names in the study.
    repeat : int
    about_data : str
        One sentence on the data: where they come from, and what was done to them.
    about_model : str
        One sentence with the model's formula, as plain text.
    unit : str
        What one unit of x is, such as ``1000 km/s``; may be empty.
    problem : Problem
    reference : Reference
    cells : tuple of CellRecord
        In the order of the study's methods.
    features : tuple of str
        The D columns' names; empty if unknown.
    series : str
        The model's name without its number of components, in a study over K; else empty.
    """

    dataset: str
    model: str
    repeat: int
    about_data: str
    about_model: str
    unit: str
    problem: Problem
    reference: Reference
    cells: tuple[CellRecord, ...]
    features: tuple[str, ...] = ()
    series: str = ""


@dataclass(frozen=True)
class StudyRecord:
    """A whole study, all that a report needs.

    Attributes
    ----------
    name : str
    folder : Path
    verdict : Verdict
        Of the whole study.
    problems : tuple of ProblemRecord
    config : str
        The configuration as TOML text.
    seed : int
        The root seed.
    versions : dict of str to str
        Libraries and Python.
    machine : dict of str to str
        Processor, cores, memory; no host name, no user, no path.
    """

    name: str
    folder: Path
    verdict: Verdict
    problems: tuple[ProblemRecord, ...]
    config: str
    seed: int
    versions: dict[str, str]
    machine: dict[str, str]
