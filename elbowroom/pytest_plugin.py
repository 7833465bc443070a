"""For pytest: the fixture `assert_derivation`, which reports every question that the checker asked.

A failing test shows the checker's sentences, and below them, in a section of its own, all questions and
answers. Whether the derivation passed goes into JUnit files as the property ``elbowroom.passed``.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from experiments.checks import Report


@pytest.fixture
def assert_derivation(request: pytest.FixtureRequest) -> "Callable[..., Report]":
    """Check a hand-derived model as `elbowroom.testing.assert_derivation` does, and show all answers."""
    from experiments.checks.asserting import assert_derivation

    def show(report: "Report") -> None:
        request.node.add_report_section("call", "derivation", report.text)
        request.node.user_properties.append(("elbowroom.passed", str(report.passed).lower()))

    return partial(assert_derivation, seen=show)
