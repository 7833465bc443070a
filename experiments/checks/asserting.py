"""A derivation in a test: checked, or an AssertionError with what the checker says is wrong."""

from collections.abc import Callable, Sequence

from experiments.checks.loading import density_beside, load_derivations
from experiments.checks.results import Report
from experiments.checks.suite import SIZES, check
from hand_cavi.inputs import Seed


def assert_derivation(
    derivation: object,
    data: object = None,
    log_joint: object = None,
    *,
    rng: Seed = 1,
    allow_undecided: bool = False,
    states: int = 4,
    sizes: Sequence[int] = SIZES,
    seen: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Check a hand-derived model against its joint density, and return the checker's report.

    Parameters
    ----------
    derivation : Derivation, a class of one, or str
        As `experiments.checks.check` takes it, or a name as ``elbowroom check`` does, such as
        ``"my_model.py:Derivation"``.
    data : object
        As `experiments.checks.check` takes it; not with a name.
    log_joint : callable, pymc.Model or str, optional
        The same; a name stands for itself beside the derivation's. Without, ``log_joint`` or ``model`` in the
        derivation's module.
    rng : numpy.random.Generator or int
        Where states and draws come from.
    allow_undecided : bool
        Whether it is enough that nothing wrong was found, where draws could not decide everything.
    states, sizes : int, sequence of int
        As `experiments.checks.check` takes them.
    seen : callable
        Given the report before anything is raised.

    Raises
    ------
    AssertionError
        If something is wrong, with a sentence for each fault, or could not be decided.
    InputError
        If the derivation cannot be checked.
    """
    __tracebackhide__ = True
    by_name = log_joint if isinstance(log_joint, str) else None
    if isinstance(derivation, str):
        loaded = list(load_derivations(derivation, by_name))
    elif log_joint is None or by_name:
        loaded = [("", derivation, density_beside(derivation, by_name))]
    else:
        loaded = [("", derivation, log_joint)]
    for name, thing, density in loaded:
        report = check(thing, data, density, rng=rng, states=states, sizes=sizes)
        seen(report)
        if report.passed is False or (report.passed is None and not allow_undecided):
            raise AssertionError(f"{name}: {report.conclusion}" if name else report.conclusion)
    return report
