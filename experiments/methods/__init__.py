"""Methods: one file each, found by its name.

A method's file offers

- ``Settings``, a pydantic model of its options, and
- ``run(problem, settings, *, starts, seed)``, which returns a `MethodResult`,

and raises `NotFiniteError` where its numbers overflowed. A user's own method is a module with these two.
"""

LABELS = {
    "cavi": "CAVI",
    "cavi_lr": "CAVI + linear response",
    "advi": "ADVI",
    "fullrank_advi": "full-rank ADVI",
    "nuts": "NUTS",
    "nuts_warm": "NUTS (warm start)",
    "gibbs": "Gibbs",
    "smc": "SMC",
}
"""What readers call the methods; others go by their own names."""

NEED_POINTS = ("gibbs",)
"""Those that are given all points of a large data set, or its distinct ones, and no other nodes."""


def label(method: str) -> str:
    """Return what readers call a method of this name."""
    return LABELS.get(method, method)


class NotFiniteError(ArithmeticError):
    """The method's numbers became infinite or NaN; the message says where, in a sentence."""
