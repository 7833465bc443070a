"""A derivation in one's own tests: `assert_derivation` fails with what the checker says is wrong.

Under pytest the fixture of this name (`elbowroom.pytest_plugin`) shows every question that was asked besides.
"""

from experiments.checks.asserting import assert_derivation

__all__ = ["assert_derivation"]
