"""Configurations made at random: shipped ones with faults put in, and tables with wrong values."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.config.reading import default_config_text, parse_config
from experiments.studies import plan_of
from tests.experiments.fuzz.trying import examples, honest_end

ROOT = Path(__file__).parents[3]
SHIPPED = [default_config_text(), *(path.read_text() for path in sorted(ROOT.glob("configs/*.toml")))]
SHIPPED += [path.read_text() for path in sorted(ROOT.glob("examples/*/*.toml"))]
WORDS = """\
0 -1 1 2 7 3.5 1e308 -1e308 5e-324 1e400 nan -inf 100000000000 0x7fffffffffffffff true 1979-05-27 07:32:00
[] [[]] {} [1] [1,2] [[1.0,2.0]] [1,"a"] {a=1} {name="dirichlet",concentration=0} "" "x" "auto" "none"
"os:system" "json:JSONDecoder" "numpy:array" "no_such:Thing" ":" "a:" ":b" "a b:c" ".a:b" "a..b:c" ".." "/"
"../../x" "<b>"
"\\u0000" "\\u001b[31m" "\\u202e" "\\ud7ff" "cavi" "nuts" "file" "simulated" "normal_gamma" "fixed" \
""".split()
WORDS += [
    str(10**40),
    400 * "9",
    5001 * "9",
    f'"{2000 * "x"}"',
    300 * "[" + 300 * "]",
    '"""\na\n"""',
    "'a\"b'",
]
PIECES = [
    *"\"'[]{}=.,#\n\t\\\0",
    "\r\n",
    "\r",
    "[[",
    "]]",
    " = ",
    "\N{BYTE ORDER MARK}",
    "\x1b",
    "é",
    "[[models]]\n",
]
KEYS = [
    "name",
    "seed",
    "family",
    "components",
    "n",
    "means",
    "prior",
    "mean",
    "kind",
    "source",
    "path",
    "a.b",
    '"é"',
    "_",
]


@st.composite
def mutated(draw):
    """Return the text of a shipped configuration with one to six faults."""
    lines = draw(st.sampled_from(SHIPPED)).splitlines(keepends=True)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 6]))):
        i = draw(st.integers(0, len(lines) - 1))
        line = lines[i]
        match draw(st.integers(0, 7)):
            case 0:
                lines[i] = ""
            case 1:
                lines.insert(i, lines[draw(st.integers(0, len(lines) - 1))])
            case 2 | 3 | 4:
                key, equals, _ = line.partition("=")
                lines[i] = f"{key}= {draw(st.sampled_from(WORDS))}\n" if equals else line
            case 5:
                lines[i] = f"{draw(st.sampled_from(KEYS))} = {draw(st.sampled_from(WORDS))}\n{line}"
            case 6:
                at = draw(st.integers(0, len(line)))
                lines[i] = line[:at] + draw(st.sampled_from(PIECES)) + line[at:]
            case 7:
                at = draw(st.integers(0, len(line)))
                lines[i] = line[:at] + line[at + draw(st.integers(1, 9)) :]
    return "".join(lines)


NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([0, 1, 2, 1e308, 10**40, 10**400, 10**12]))
VALUES = st.recursive(
    st.one_of(NUMBERS, st.booleans(), st.text(max_size=9), st.dates(), st.times(), st.datetimes()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=9,
)
BASES = [tomllib.loads(text) for text in SHIPPED]


def leaves(value, place=()):
    """Yield the place of each value in tables and lists, the tables and lists too."""
    if place:
        yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from leaves(each, (*place, key))


@st.composite
def wrong_tables(draw):
    """Return the text of a shipped configuration in which up to three values are any others."""
    tables = tomllib.loads(draw(st.sampled_from(SHIPPED)))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        places = list(leaves(tables))
        *way, last = places[draw(st.integers(0, len(places) - 1))]
        table = tables
        for key in way:
            table = table[key]
        if draw(st.booleans()) and isinstance(table, dict):
            table[draw(st.one_of(st.sampled_from(KEYS), st.text(max_size=4)))] = draw(VALUES)
        else:
            table[last] = draw(VALUES)
    return "".join(f"{spelt(key)} = {spelt_value(value)}\n" for key, value in tables.items())


def spelt(text):
    """Return a string as TOML writes it."""
    plain = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(plain.get(c) or (c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'


def spelt_value(value):
    """Return a value as TOML writes it."""
    match value:
        case str():
            return spelt(value)
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{spelt(key)} = {spelt_value(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(spelt_value, value)) + "]"
    return str(value) if not hasattr(value, "isoformat") else value.isoformat()


def is_small(config):
    """Whether its data are made quickly."""
    sizes = [
        getattr(entry.settings, name, 0) or 0
        for entry in config.datasets
        for name in ("n", "components", "features")
    ]
    sizes += [model.mixture.n_components for model in config.models]
    sizes += [
        config.run.repeats**2,
        config.calibration.points or 0,
        config.calibration.replicates / config.calibration.batch,
    ]
    sizes += [len(config.models) * len(config.datasets)]
    return max(sizes, default=0) <= 300


@pytest.fixture(autouse=True, scope="module")
def _nowhere(tmp_path_factory):
    """An empty folder, the current one: nothing may be left in it."""
    here, before = tmp_path_factory.mktemp("nowhere"), Path.cwd()
    import os

    os.chdir(here)
    yield
    os.chdir(before)
    assert not list(here.iterdir())


def tried(text):
    with honest_end():
        config = parse_config(text, folder=ROOT / "configs")
        if is_small(config):
            plan_of(config)


@examples(250)
@given(mutated())
def test_a_shipped_configuration_with_faults(text):
    tried(text)


@examples(150)
@given(wrong_tables())
def test_wrong_values_of_any_kind(text):
    tried(text)


@examples(100)
@given(st.lists(st.sampled_from([*PIECES, *WORDS[:40], *KEYS]), max_size=60))
def test_pieces_of_toml(pieces):
    tried(" ".join(pieces))
