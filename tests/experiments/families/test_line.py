"""Formulas in two notations, each as one would write it by hand."""

import numpy as np
import pytest
from markupsafe import Markup, escape

from experiments.families.formula import story_of
from experiments.families.line import matrix, vector
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance

STRETCH = '<mo stretchy="false">{}</mo>'.format


def test_a_line_is_text_as_a_string_and_mathml_in_a_template():
    first, *_ = story_of(Mixture(NormalKnownVariance(-1.5, 25.0), FixedWeights(), 2))
    assert str(first) == "mu_k ~ N(-1.5, 25)"
    assert escape(first.left) == Markup("<msub><mi>μ</mi><mrow><mi>k</mi></mrow></msub>")
    assert escape(first.right) == Markup(
        f'<mi mathvariant="normal">Normal</mi>{STRETCH("(")}<mn>−1.5</mn><mo>,</mo><mn>25</mn>{STRETCH(")")}'
    )


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([2.0, 2.0], "2"),
        ([1.0, -2.0], "(1, -2)"),
        (np.arange(1, 8) / 10, "(0.1, 0.2, ..., 0.7)"),
        (1234567.0, "1.23457e+06"),
    ],
)
def test_vectors(values, text):
    assert str(vector(np.asarray(values))) == text


@pytest.mark.parametrize(
    ("values", "text", "mathml"),
    [
        ([[4.0]], "4", "<mn>4</mn>"),
        (3 * np.eye(2), "3 I", "<mrow><mn>3</mn><mi>I</mi></mrow>"),
        (
            np.diag([1.0, 2.0]),
            "diag(1, 2)",
            f"<mrow><mi>diag</mi><mrow>{STRETCH('(')}<mn>1</mn><mo>,</mo><mn>2</mn>{STRETCH(')')}</mrow></mrow>",
        ),
        (
            [[2.0, -1.0], [-1.0, 3.0]],
            "[2, -1; -1, 3]",
            "<mrow><mo>(</mo><mtable><mtr><mtd><mn>2</mn></mtd><mtd><mn>−1</mn></mtd></mtr>"
            "<mtr><mtd><mn>−1</mn></mtd><mtd><mn>3</mn></mtd></mtr></mtable><mo>)</mo></mrow>",
        ),
        (np.ones((7, 7)) + np.eye(7), "a 7 x 7 matrix", "<mtext>a 7 × 7 matrix</mtext>"),
    ],
)
def test_matrices(values, text, mathml):
    found = matrix(np.asarray(values))
    assert (str(found), found.mathml) == (text, mathml)
