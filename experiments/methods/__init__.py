"""Methods: one file each, found by its name.

A method's file offers

- ``Settings``, a pydantic model of its options, and
- ``run(problem, settings, *, starts, seed)``, which returns a `MethodResult`,

and raises `NotFiniteError` where its numbers overflowed. A user's own method is a module with these two.
"""


class NotFiniteError(ArithmeticError):
    """The method's numbers became infinite or NaN; the message says where, in a sentence."""
