"""Data files made at random: texts with all that texts may hold, bytes of NPY and Parquet files, damaged."""

import gzip
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from experiments.commands._data import open_data
from experiments.datasets import _large
from tests.experiments.fuzz.trying import examples, honest_end

FAMILIES = st.sampled_from(["normal_gamma", "dirichlet_categorical"])
WORDS = [
    "1",
    "-2.5",
    "1,5",
    "1.000,5",
    "1e308",
    "1e400",
    "nan",
    "NA",
    "",
    " ",
    "inf",
    "true",
    "2020-01-01",
    "x",
    '"',
    '""',
]
WORDS += [
    '"a,b"',
    '"a\nb"',
    '"3"',
    "\0",
    "1_000",
    "０",
    "٣",
    "\x1b[1m",
    "<b>",
    "1\t2",
    "#",
    "\\",
    "é",
    "'",
    "5e-324",
    "=1+1",
]
NAMES = [
    "v",
    "w",
    " v",
    "v ",
    "",
    '"v"',
    "0",
    "1.5",
    "é",
    "v.1",
    "Unnamed: 0",
    "\0",
    "\x1b[31m",
    '"a\nb"',
    "a;b",
    "v" * 500,
]
USUAL = st.sampled_from(["1", "-2.5", "3e2", "7", "1e16", "0.1"])
FAULTS = st.sampled_from([0, 0, 0, 1, 1, 3])
"""How many are put into the bytes of a file."""

ENDS = ["\n", "\r\n", "\r", "\n\n", " \n"]
CODINGS = [*4 * ["utf-8"], *4 * ["utf-8-sig"], "utf-16", "latin-1", "utf-32"]


def read(path, columns, family, **reading):
    """Read a file as `elbowroom fit` does, and look at what was made of it."""
    with honest_end():
        data = open_data(path, tuple(columns), family, **reading)
        assert data.n_points >= 1 and np.isfinite(data.shown.x).all()
        assert len(data.shown.features) == data.shown.x.shape[1] == data.source.n_features
        assert sum(len(piece.rows) for piece in data.source.pieces()) == data.n_points
        assert all(len(set(labels)) == len(labels) for labels in data.shown.categories)


@st.composite
def texts(draw):
    """Return the bytes of a table, more or less, and a column or two of it."""
    mark = draw(st.sampled_from([",", ";", "\t", "|", " ", ", "]))
    end = draw(st.sampled_from(ENDS))
    width = draw(st.integers(1, 4))
    header = draw(
        st.lists(st.sampled_from(NAMES), min_size=width, max_size=width, unique=draw(st.booleans()))
    )
    rows = draw(st.lists(st.lists(USUAL, min_size=width, max_size=width), max_size=8))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        odd = st.lists(st.sampled_from(WORDS), min_size=0, max_size=width + 1)
        rows.insert(draw(st.integers(0, len(rows))), draw(odd))
    text = end.join(mark.join(row) for row in [header, *rows]) + draw(st.sampled_from(["", end]))
    content = text.encode(draw(st.sampled_from(CODINGS)), errors="replace")
    content = gzip.compress(content) if draw(st.integers(0, 19)) == 0 else damaged(draw, content, FAULTS)
    names = [name.strip().strip('"') for name in header]
    return content, draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))


def damaged(draw, content, faults):
    """Return bytes of which so many were cut off, flipped, put in, or copied."""
    for _ in range(draw(faults)):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        match draw(st.integers(0, 3)):
            case 0:
                content = content[:at]
            case 1:
                some = draw(st.integers(1, 8))
                flips = bytes(byte ^ draw(st.integers(1, 255)) for byte in content[at : at + some])
                content = content[:at] + flips + content[at + some :]
            case 2:
                content = content[:at] + draw(st.binary(min_size=1, max_size=9)) + content[at:]
            case 3:
                content = content[:at] + content[draw(st.integers(0, max(0, len(content) - 1))) :]
    return content


READINGS = st.one_of(
    st.just({}),
    st.just({"missing": "drop"}),
    st.just({"weight_column": "w"}),
    st.fixed_dictionaries(
        {},
        optional={
            "weight_column": st.sampled_from(["w", "v", "", "nix"]),
            "separator": st.sampled_from(["", ",", ";", "\t", "|", " ", "\n", '"', "\0", "ab", "é"]),
            "decimal": st.sampled_from([".", ",", "x"]),
            "missing": st.sampled_from(["refuse", "drop", "x"]),
        },
    ),
)
OTHERS = st.lists(st.sampled_from(["v", "w", "0", "1", "é", "", "a\nb", "\0"]), max_size=3, unique=True)
COLUMNS = st.one_of(st.just([]), st.just(["v"]), st.just(["v"]), OTHERS)


@examples(400)
@given(
    texts(),
    st.one_of(st.none(), st.none(), OTHERS),
    FAMILIES,
    READINGS,
    st.sampled_from([".csv", ".tsv", ".txt"]),
)
def test_a_text(folder, table, others, family, reading, ending):
    path, (content, columns) = folder / f"x{ending}", table
    path.write_bytes(content)
    columns = columns if others is None else others
    read(path, columns, family, **reading)


def npy(array):
    """Return the bytes of an NPY file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return file.getvalue()


ARRAYS = [
    np.linspace(-1, 1, 9),
    np.arange(12.0).reshape(6, 2),
    np.asfortranarray(np.arange(12, dtype=np.float32).reshape(6, 2)),
    np.arange(6, dtype=">i2"),
    np.array([1, 2**63], dtype=np.uint64),
    np.array([True, False]),
    np.array(["a", "bb", "", "é"]),
    np.array([b"a", b"\xff"]),
    np.array([1, "x", None], dtype=object),
    np.array(3.0),
    np.zeros(0),
    np.zeros((3, 0)),
    np.zeros((2, 2, 2)),
    np.array([1 + 2j]),
    np.array(["2020-01-01", "NaT"], dtype="M8[D]"),
    np.array([1, 2], dtype="m8[s]"),
    np.array([np.nan, np.inf, 1.0]),
    np.array([1.0, 65504.0], dtype=np.float16),
    np.array([1.5, 1e4000], dtype=np.longdouble),
    np.array([(1.0, 2, "a")], dtype=[("v", "f8"), ("w", "i4"), ("é", "U3")]),
    np.array([((1.0, 2.0),)], dtype=[("v", "f8", 2)]),
]
FILES = [npy(array) for array in ARRAYS]


@st.composite
def npy_bytes(draw):
    """Return the bytes of an NPY file, with up to three faults, some of them in its header's words."""
    content = draw(st.sampled_from(FILES))
    if draw(st.integers(0, 3)) == 0:
        old = draw(
            st.sampled_from(
                [b"(9,)", b"(6, 2)", b"(", b")", b"'<f8'", b"False", b"True", b"descr", b"\x01\x00", b"{"]
            )
        )
        new = [
            b"(99999999999999,)",
            b"(-1,)",
            b"(1,1,1)",
            b"[",
            b"'|O'",
            b"'<f4'",
            b"'<M8[zz]'",
            b"None",
            b"1" * 30,
        ]
        new += [
            b"(" * 300,
            b"[('v', '<f8')]",
            b"True",
            b"'V0'",
            b"'<U0'",
            b"'<f16'",
            b"\x02\x00",
            b"\x03\x00",
            b"",
            b"1e3",
        ]
        content = content.replace(old, draw(st.sampled_from(new)), 1)
    return damaged(draw, content, FAULTS)


@examples(400)
@given(npy_bytes(), st.one_of(st.just([]), COLUMNS), FAMILIES, READINGS, st.booleans())
def test_an_npy_file(folder, content, columns, family, reading, is_large):
    path = folder / "x.npy"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_large, "LARGE", 1 if is_large else 1 << 20)
        read(path, columns, family, **reading)


def parquet(column, **options):
    """Return the bytes of a Parquet file with columns v, w."""
    import pyarrow.parquet as pq

    file = io.BytesIO()
    numbers = pa.array(np.arange(len(column), dtype=float))
    pq.write_table(pa.table({"v": column, "w": numbers}), file, **options)
    return file.getvalue()


MANY = np.random.default_rng(1).normal(size=500)
PARQUETS = [
    *(
        parquet(pa.array(MANY), compression=codec, row_group_size=100)
        for codec in ("none", "snappy", "gzip", "zstd")
    ),
    parquet(pa.array(MANY), write_page_checksum=True),
    parquet(pa.array(MANY), use_dictionary=False, column_encoding={"v": "BYTE_STREAM_SPLIT"}),
    parquet(pa.array([1.5, None, 2.5])),
    parquet(pa.array([None, None], pa.null())),
    parquet(pa.array([], pa.float64())),
    parquet(pa.array([[1.0], [2.0, 3.0], None])),
    parquet(pa.array([{"a": 1.0}, {"a": None}])),
    parquet(pa.array(["a", "b", None, ""])),
    parquet(pa.array(["a", "b", "a"]).dictionary_encode()),
    parquet(pa.array([1.5, 2.5, 1.5]).dictionary_encode()),
    parquet(pa.array([1, None, 3])),
    parquet(pa.array([1, 2], pa.decimal128(20, 3))),
    parquet(pa.array([10**9, -(10**9)], pa.timestamp("s"))),
    parquet(pa.array([2**62, 1], pa.timestamp("us", "UTC"))),
    parquet(pa.array([1, 2], pa.date32())),
    parquet(pa.array([1, 2], pa.time64("ns"))),
    parquet(pa.array([1, 2], pa.duration("s"))),
    parquet(pa.array([True, None, False])),
    parquet(pa.array([b"a", b"\xff"])),
    parquet(pa.array([1.0, 2.0], pa.float16())),
    parquet(pa.array([2**64 - 1, 1], pa.uint64())),
    parquet(pa.array([np.nan, np.inf])),
]


@st.composite
def parquet_bytes(draw):
    """Return the bytes of a Parquet file, with up to three faults."""
    return damaged(draw, draw(st.sampled_from(PARQUETS)), FAULTS)


@examples(300)
@given(parquet_bytes(), COLUMNS, FAMILIES, READINGS, st.booleans())
def test_a_parquet_file(folder, content, columns, family, reading, is_large):
    path = folder / "x.parquet"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_large, "LARGE", 1 if is_large else 1 << 20)
        read(path, columns, family, **reading)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.mark.parametrize("ending", [".csv", ".npy"])
def test_a_hundred_thousand_columns(folder, ending):
    path, n_columns = folder / f"x{ending}", 100_000
    values = np.arange(2.0 * n_columns).reshape(2, n_columns)
    if ending == ".npy":
        np.save(path, values)
    else:
        path.write_text("\n".join(",".join(map(str, row)) for row in [range(n_columns), *values]))
    read(path, ["99999"], "normal_gamma")
    read(path, [str(d) for d in range(n_columns)], "normal_gamma")
    read(path, [], "normal_gamma")


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1.0, 2.0, 1e150, -1e150, 1e300, 1e-300, 5e-324, 1e16, 1e16 + 2, -1.0]),
    st.integers(0, 9).map(float),
)


@examples(60)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=7),
    st.sampled_from(["auto", "normal_known_variance", "normal_gamma", "normal_wishart", "gamma_poisson"]),
    st.integers(1, 2),
    st.integers(1, 3),
    st.booleans(),
)
def test_a_fit_to_any_numbers(folder, rows, family, n_columns, n_components, is_weighted):
    from experiments.commands._fitting import Model, fit_file

    columns = ["0", "1"][:n_columns]
    weights = {"weight_column": "1"} if is_weighted and n_columns == 1 else {}
    assume(not weights or max(w for _, w in rows) < 1e6)
    np.save(folder / "fit.npy", np.array(rows))
    with honest_end():
        data = open_data(folder / "fit.npy", tuple(columns), family, **weights)
        fit_file(data, Model(n_components, family), starts=2, max_sweeps=20).content()
