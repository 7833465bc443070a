"""The report's small parts: numbers as text, fitted densities, smoothed draws, the clusters' picture."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from scipy.stats import norm

from experiments.report.densities import component_densities
from experiments.report.figures.clusters import clusters_figure
from experiments.report.figures.picture import bins_of
from experiments.report.figures.posterior_density import smoothed
from experiments.report.pages.base import fence, markdown_text
from experiments.report.stored_draws import in_order
from experiments.report.style import numbers as shown
from experiments.report.style.palette import method_styles
from experiments.report.style.svg import inline_svg
from experiments.report.tables.table import letter
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance

TEXTBOOK = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (-18.685226, 0.0004, "−18.6852 ± 0.0004"),
        (-18.685226, 0.00021, "−18.68523 ± 0.00021"),
        (-18.685226, 0.0036, "−18.685 ± 0.004"),
        (-18.685226, 0.00355, "−18.685 ± 0.004"),
        (-18.685226, 0.00354, "−18.6852 ± 0.0035"),
        (0.827, 0.119, "0.83 ± 0.12"),  # the Review of Particle Physics' own three examples
        (0.827, 0.367, "0.8 ± 0.4"),
        (0.827, 0.962, "0.8 ± 1.0"),
        (-519.3, 12.4, "−519 ± 12"),
        (-519.3, 160.0, "−519 ± 160"),
        (-18.716970286055, 0.0, "−18.716970"),
        (-18.716970286055, 1e-12, "−18.716970"),
        (None, None, "–"),
        (float("nan"), 0.1, "–"),
        (float("inf"), 0.1, "–"),
        (-0.00001, 0.1, "0.00 ± 0.10"),
    ],
)
def test_numbers_have_the_digits_that_their_errors_support(value, error, text):
    assert shown.with_error(value, error).plain == text


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("at most -6.652, where", "at most −6.652, where"),
        ("N(-2, 1), [-.5, 3] and ±-1", "N(−2, 1), [−.5, 3] and ±−1"),
        ("off by 5.9e-16", "off by 5.9e−16"),
        (
            "K = 1-8, 2026-11-28, component-2, file-1e-3.csv",
            "K = 1-8, 2026-11-28, component-2, file-1e−3.csv",
        ),
        ("k-hat --draws -x /tmp/-5/x.csv 3.14-2", "k-hat --draws -x /tmp/-5/x.csv 3.14-2"),
    ],
)
def test_numbers_in_sentences_have_a_true_minus_sign(text, shown_as):
    assert shown.typeset(text) == shown_as


def test_an_unknown_error_is_said_to_be_unknown():
    assert shown.with_error(1.0, None).note == "standard error unknown"


def test_durations_and_rates_keep_about_three_digits():
    texts = [shown.seconds(v).text for v in (0.0, 0.00042, 0.0123, 1.936, 12.74, 123.4, None)]
    assert texts == ["0", "0.00042", "0.012", "1.94", "12.7", "123", "–"]
    assert shown.rough(18400.0).text == "18\N{NARROW NO-BREAK SPACE}400"
    assert shown.rough(0.00235).text == "0.00235"


def test_footnote_letters_go_on_after_z():
    assert [letter(i) for i in (0, 25, 26, 27, 701, 702)] == ["a", "z", "aa", "ab", "zz", "aaa"]


def test_a_fence_is_longer_than_any_in_the_text_and_bars_are_escaped():
    assert fence("plain") == "```"
    assert fence("```` four") == "`````"
    assert markdown_text("a|b\n<c>") == r"a\|b \<c\>"


def test_methods_unknown_to_the_report_get_colours_of_their_own():
    styles = method_styles(["cavi", "nuts", "my_method", "other"])
    assert styles["my_method"].label == "my_method"
    assert len({style.colour for style in styles.values()}) == 4
    assert len({style.marker for style in styles.values()}) == 4


def test_sorting_carries_along_what_belongs_to_a_component():
    draws = {"mu": np.array([[[2.0], [1.0]], [[3.0], [4.0]]]), "weights": np.array([[0.2, 0.8], [0.3, 0.7]])}
    ordered = in_order(draws)
    np.testing.assert_array_equal(ordered["mu"][..., 0], [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(ordered["weights"], [[0.8, 0.2], [0.3, 0.7]])


def test_fitted_densities_equal_their_definition_and_have_area_one():
    rng = np.random.default_rng(5)
    mixture = Mixture(NormalKnownVariance(0.0, 25.0, 2.0), FixedWeights(), 3)
    draws = {"mu": rng.normal(size=(601, 3, 1))}
    grid = np.linspace(-14, 14, 2001)
    densities = component_densities(mixture, draws, grid)
    assert np.trapezoid(densities.sum(axis=0), grid) == pytest.approx(1, abs=1e-9)
    at, mu = grid[1100], draws["mu"][:, 1, 0]
    slow = sum(np.exp(-((at - m) ** 2) / 4) / np.sqrt(4 * np.pi) for m in mu) / len(mu) / 3
    assert densities[1, 1100] == pytest.approx(slow, rel=1e-12)


def test_smoothed_draws_are_a_density_near_the_one_they_came_from():
    values = np.random.default_rng(6).standard_normal(4000)
    grid = np.linspace(-6, 6, 400)
    density = smoothed(values, grid)
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-3)
    # Pointwise sd is at most about 0.011 at S = 4000 and this bandwidth, and the bias 0.006.
    assert np.max(np.abs(density - np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi))) < 0.05


@pytest.mark.parametrize("x", [[3.0], [3.0, 3.0, 3.0], [-1e4, 1e4], [0.0, 1e-9, 1.0]])
def test_clusters_are_drawn_of_any_data(x):
    x = np.array(x)
    responsibilities = np.full((len(x), 2), 0.5)
    draws = {"mu": np.array([[[x[0]], [x[0] + 1]]])}
    figure = clusters_figure(TEXTBOOK, draws, x, responsibilities, "km/s")
    (axes,) = figure.axes
    assert axes.get_xlabel() == "x (km/s)"
    curves = [line.get_ydata() for line in axes.get_lines()]
    np.testing.assert_allclose(curves[-1], sum(curves[:-1]))  # the mixture is the sum of its components
    assert inline_svg(figure, "key", "title", "<description>").count("&lt;description&gt;") == 1


def test_the_clusters_lines_are_the_mixtures_densities_and_not_shares_of_points():
    """Three of four points are in the first component, and the textbook's weights are halves."""
    rng = np.random.default_rng(8)
    x = np.concatenate([rng.normal(-3, 1, 300), rng.normal(3, 1, 100)])
    responsibilities = np.zeros((400, 2))
    responsibilities[:300, 0] = responsibilities[300:, 1] = 1
    figure = clusters_figure(TEXTBOOK, {"mu": np.array([[[-3.0], [3.0]]])}, x, responsibilities)
    grids = [line.get_data() for line in figure.axes[0].get_lines()]
    areas = [np.trapezoid(y, grid) for grid, y in grids]
    np.testing.assert_allclose(areas, [0.5, 0.5, 1.0], atol=0.02)
    grid, curve = grids[0]
    np.testing.assert_allclose(curve, norm.pdf(grid, -3, 1) / 2, atol=1e-12)


def test_bins_cover_the_data_and_are_neither_few_nor_many():
    for x in (np.zeros(5), np.arange(10.0), np.random.default_rng(2).standard_cauchy(5000)):
        edges = bins_of(x)
        assert edges[0] <= x.min()
        assert edges[-1] >= x.max()
        assert 3 <= len(edges) - 1 <= 60


# Markdown

SPECIAL = "$|`<>[]()@#*_~&;:!-+=.\\ \n1aB{}^%/\"'"
PLACES = ["{}", "- {}", "**{}.** more", "## {}", "| {} | b |\n| :--- | ---: |\n| c | {} |"]


def text_of(tokens):
    """What a reader sees: all text, without comments and marks."""
    for token in tokens:
        if token.children:
            yield from text_of(token.children)
        elif token.type not in ("html_inline", "softbreak"):
            assert token.type in ("text", "text_special") or not token.content, token
            yield token.content


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(st.sampled_from(SPECIAL), max_size=12) | st.text(st.characters(exclude_categories=["C"])))
@example("$x$")
@example("---")
@example("1. a")
@example("@octocat")
@example(":tada: and 12:30:45")
def test_markdown_shows_every_text_as_it_is(text):
    plain, escaped = " ".join(text.split()), markdown_text(text)
    renderer = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for place in PLACES:
        tokens = renderer.parse(place.format(*[escaped] * 2))
        shown = "".join(text_of(tokens))
        wanted = {PLACES[2]: f"{plain}. more", PLACES[4]: f"{plain}bc{plain}"}.get(place, plain)
        assert shown == wanted, (place, escaped)
    assert not re.search(r"(?<!\\)(\\\\)*\$", escaped)  # no formula
    assert not re.search(r"@\w|(?<![\d:]):[\w+-]+:", escaped)  # nobody is called, nothing becomes a picture
