import re

import numpy as np
import pandas as pd
import pytest

from experiments.config.reading import load_config
from experiments.datasets import _columns, file, galaxies, simulated
from experiments.datasets._words import Reading
from experiments.studies.mixtures import load_dataset
from hand_cavi import InputError


def rng():
    return np.random.default_rng(20)


def read(path, *columns, **options):
    return file.load(file.Settings(path=str(path), columns=columns, **options), rng())


def refusal(path, *columns, **options):
    with pytest.raises(InputError) as caught:
        read(path, *columns, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def csv(tmp_path):
    def write(text, name="d.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# Galaxies


def test_galaxies_as_published():
    data = galaxies.load(galaxies.Settings(), rng())
    assert data.x.shape == (82, 1) and data.unit == "1000 km/s"
    velocity = np.rint((data.x[:, 0] + 20) * 1000).astype(int)
    assert (velocity[0], velocity[77], velocity[-1]) == (9172, 26960, 34279)
    assert np.all(np.diff(velocity) >= 0)


def test_galaxies_in_kilometres_per_second():
    data = galaxies.load(galaxies.Settings(unit_km_s=1.0, centre=0.0), rng())
    assert data.x[0, 0] == 9172 and data.unit == "1 km/s"


# Simulations


def test_given_means_and_what_is_known_of_the_truth():
    data = simulated.load(simulated.Settings(n=7, means=(-5.0, 5.0), noise_variance=1e-6), rng())
    assert data.x.shape == (7, 1) and data.truth["mu"].shape == (2, 1)
    np.testing.assert_allclose(data.x, data.truth["mu"][data.truth["assignments"]], atol=0.01)


def test_means_of_several_features():
    data = simulated.load(simulated.Settings(n=4, means=((0.0, 1.0), (2.0, 3.0))), rng())
    assert data.x.shape == (4, 2) and data.features == ("x1", "x2")
    np.testing.assert_array_equal(data.truth["mu"], [[0, 1], [2, 3]])


def test_moments_of_a_large_simulation():
    """Each bound is 4.5 standard errors: a false alarm in about one of 20,000 correct simulators."""
    n = 40_000
    settings = simulated.Settings(n=n, means=(-3.0, 3.0), weights=(0.25, 0.75), noise_variance=4.0)
    data = simulated.load(settings, rng())
    assert abs(np.mean(data.truth["assignments"]) - 0.75) < 4.5 * np.sqrt(0.25 * 0.75 / n)
    residual = data.x - data.truth["mu"][data.truth["assignments"]]
    assert abs(residual.mean()) < 4.5 * np.sqrt(4 / n)
    assert abs(residual.var() - 4) < 4.5 * 4 * np.sqrt(2 / n)


def test_means_drawn_from_the_prior():
    """The mean of 400 draws and their variance, each within 4.5 standard errors."""
    settings = simulated.Settings(n=1, components=200, features=2, prior_mean=10.0, prior_variance=9.0)
    mu = simulated.load(settings, rng()).truth["mu"]
    assert mu.shape == (200, 2)
    assert abs(mu.mean() - 10) < 4.5 * np.sqrt(9 / 400)
    assert abs(mu.var() - 9) < 4.5 * 9 * np.sqrt(2 / 400)


def test_a_simulation_has_means_or_draws_them():
    for options in ({}, {"means": (1.0,), "components": 1}):
        with pytest.raises(ValueError, match="give either means"):
            simulated.Settings(n=3, **options)


# Files: what can be read


@pytest.mark.parametrize(
    "text", ["id,v\n1,0.1\n2,-3e2\n", "id;v\n1;0.1\n2;-3e2\n", "id\tv\r\n1\t0.1\r\n2\t-3e2\r\n"]
)
def test_csv_with_the_usual_separators(csv, text):
    data = read(csv(text), "v")
    np.testing.assert_array_equal(data.x, [[0.1], [-300.0]])
    assert data.features == ("v",) and data.about == "Column v of d.csv."


def test_csv_keeps_every_bit_of_a_number(csv):
    values = rng().standard_normal(500) * 10.0 ** rng().integers(-200, 200, 500)
    words = "\n".join(repr(float(v)) for v in values)
    for text, reading in ((words, Reading()), (words.replace(".", ","), Reading(decimal=","))):
        fast, _ = _columns._by_pandas(csv("v\n" + text), ("v",), reading)
        np.testing.assert_array_equal(fast[:, 0], values)
        np.testing.assert_array_equal(read(csv("v\n" + text), "v", decimal=reading.decimal).x, fast)


def test_csv_as_excel_writes_it(csv):
    data = read(csv(b"\xef\xbb\xbfv;w\r\n1;2\r\n\r\n3;4\r\n\r\n"), "w", "v")
    np.testing.assert_array_equal(data.x, [[2, 1], [4, 3]])


def test_columns_come_in_the_order_asked_for_and_may_be_quoted(csv):
    data = read(csv('a,"b, c",d\n1,2,3\n4,"5",6\n'), "d", "b, c")
    np.testing.assert_array_equal(data.x, [[3, 2], [6, 5]])


def test_the_only_column_needs_no_name(csv):
    assert read(csv("v\n1\n2\n")).x.shape == (2, 1)


def test_the_fast_reader_and_the_plain_one_agree(csv):
    body = "a,b\n1,x\n\n2.5,\n-3e-5,z\n"
    fast = read(csv(body), "a").x
    plain = _columns.read_columns(csv(body), ("a",), Reading()).entries[0]
    np.testing.assert_array_equal(fast[:, 0], [float(word) for word in plain])


def test_parquet(tmp_path):
    path = tmp_path / "d.parquet"
    pd.DataFrame({"v": [1.5, 2.5], "n": [1, 2], "w": ["a", "b"]}).to_parquet(path)
    np.testing.assert_array_equal(read(path, "n", "v").x, [[1, 1.5], [2, 2.5]])


@pytest.mark.parametrize(
    ("array", "columns", "expected"),
    [
        (np.array([1, 2]), (), [[1], [2]]),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), (), [[1, 2], [3, 4]]),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), ("1",), [[2], [4]]),
        (np.array([(1, 2.0), (3, 4.0)], dtype=[("a", int), ("b", float)]), ("b", "a"), [[2, 1], [4, 3]]),
    ],
)
def test_npy(tmp_path, array, columns, expected):
    np.save(tmp_path / "d.npy", array)
    np.testing.assert_array_equal(read(tmp_path / "d.npy", *columns).x, expected)


def test_scaling_and_centring(csv):
    data = read(csv("v\n9172\n26960\n"), "v", scale=1000.0, centre=20.0, unit="1000 km/s")
    np.testing.assert_allclose(data.x[:, 0], [-10.828, 6.96], rtol=1e-14)
    assert data.about == "Column v of d.csv, divided by 1000, less 20." and data.unit == "1000 km/s"


@pytest.mark.parametrize("body", ["3.5\n", "2\n2\n2\n2\n"])
def test_one_point_and_equal_points_are_data(csv, body):
    assert len(read(csv("v\n" + body), "v").x) == len(body.split())


# Files: what cannot


def test_a_missing_file_and_an_unknown_kind(tmp_path, csv):
    assert "there is no data file" in refusal(tmp_path / "none.csv", "v")
    assert "files ending in .csv" in refusal(csv("v\n1\n", "d.xlsx"), "v")
    (tmp_path / "folder.csv").mkdir()
    assert "holds no Parquet files; give one that does, or a file" in refusal(tmp_path / "folder.csv", "v")


def test_a_missing_column(csv):
    assert 'd.csv has no column "velocty"; did you mean "velocity"?; there are "id", "velocity"' in refusal(
        csv("id,velocity\n1,2\n"), "velocty"
    )
    assert "the first line holds numbers; it must name the columns" in refusal(csv("1,2\n3,4\n"), "v")
    assert 'name the columns to use (--column, or columns in a configuration); there are "a", "b"' in refusal(
        csv("a,b\n1,2\n")
    )
    assert "named twice" in refusal(csv("a,b\n1,2\n"), "a", "a")
    assert 'several columns "a"' in refusal(csv("a,a\n1,2\n"), "a")


@pytest.mark.parametrize(
    "bad", ["abc", "nan", "NaN", "inf", "-Infinity", "NA", "1_0", "True", "1,5", "1e999"]
)
@pytest.mark.parametrize("line", [2, 4])
def test_a_value_that_is_no_finite_number_is_found_on_its_line(csv, bad, line):
    lines = ["v", "1.0", "2.0", "3.0"]
    lines[line - 1] = bad
    assert f"d.csv, line {line}: " in refusal(csv("\n".join(lines) + "\n"), "v")


def test_a_hole_is_found_on_its_line_whatever_stands_before(csv):
    text = 'note,v\n"two\nlines",1\n\nplain,2\nhole,\n'
    assert 'd.csv, line 6: column "v" holds nothing' in refusal(csv(text), "v")
    assert 'line 3: column "v" holds nothing' in refusal(csv("a,v\n1,2\n1\n"), "v")


@pytest.mark.parametrize("text", ["v\n", "v", "v\n\n\n", "v,w\n"])
def test_no_points(csv, text):
    assert 'column "v" is empty; there must be at least one point' in refusal(csv(text), "v")


def test_nothing_at_all_and_no_text(csv):
    assert "the first line is empty" in refusal(csv(""), "v")
    assert "not text in UTF-8" in refusal(csv("v\n1\n2\u00e9\n".encode("latin-1")), "v")


def test_an_empty_column(csv):
    assert 'line 2: column "w" holds nothing' in refusal(csv("v,w\n1,\n2,\n"), "w")


def test_bad_parquet(tmp_path):
    path = tmp_path / "d.parquet"
    frame = pd.DataFrame(
        {"v": [1.0, None, 2.0], "w": ["a", "b", "c"], "b": [True, False, True], "i": [1.0, np.inf, 0]}
    )
    frame.to_parquet(path)
    assert "row 1 (counted from 0)" in refusal(path, "v")
    assert 'column "w"' in refusal(path, "w")
    assert "not numbers" in refusal(path, "b")
    assert "row 1 (counted from 0)" in refusal(path, "i")
    assert 'no column "u"' in refusal(path, "u")
    frame.head(0).to_parquet(path)
    assert "is empty" in refusal(path, "v")
    path.write_bytes(b"PAR1 but no more")
    assert "no readable Parquet file" in refusal(path, "v")


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (np.empty(0), "is empty"),
        (np.array(["a", "b"]), "not numbers"),
        (np.array([1.0, np.nan]), "row 1 (counted from 0)"),
        (np.array([1j]), "complex numbers, not real ones"),
        (np.zeros((2, 2, 2)), "3 axes"),
        (np.array(3.0), "0 axes"),
    ],
)
def test_bad_npy(tmp_path, array, complaint):
    np.save(tmp_path / "d.npy", array)
    assert complaint in refusal(tmp_path / "d.npy")


def test_npy_that_is_none_or_pickled(tmp_path):
    path = tmp_path / "d.npy"
    path.write_bytes(b"nothing of the kind")
    assert "no readable NPY file" in refusal(path)
    np.save(path, np.array([{}, {}]), allow_pickle=True)
    assert "no readable NPY file" in refusal(path)
    np.save(path, np.zeros((2, 0)))
    assert "has no columns" in refusal(path)


def test_a_scale_beyond_float64(csv):
    assert "beyond float64" in refusal(csv("v\n1e300\n"), "v", scale=1e-300)


# What a word is that is no number


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("2024-01-31 31.01.2024 1/2/24 2024-01-31T12:00 2024/01 3-Jan-2024", "a date; make numbers of dates"),
        ("12:30 08:15:59.5 7:05pm", "a time of day"),
        ("true False YES no", "a truth value; write 1 and 0"),
        ("3,5 -0,25 1,5e-3 12345,6", 'a decimal comma; read it with --decimal ","'),
        ("1,234", "if decimals follow it, read it with --decimal"),
        ("1,234,567 1'234.5 1.234,5 1.234.567", "separators of thousands; write it without them"),
        ("5% 12kg €3.50 3.50€ 20°C", "a number and something else; leave the number alone"),
        ("<0.5 >100", "a limit and no value"),
        ("NA ? . null", "or leave such lines out by --missing drop"),
        ("abc inf 1_0 --", "mend the value or remove the line"),
    ],
)
def test_a_complaint_names_what_the_word_seems_to_be(csv, words, says):
    for word in words.split():
        assert says in refusal(csv(f'v;w\n1;1\n"{word}";1\n'), "v"), word
    assert "separators of thousands" in refusal(csv("v;w\n1 234;1\n"), "v")


def test_a_point_beside_decimal_commas_is_no_number(csv):
    """In such files 1.500 is fifteen hundred."""
    assert "separators of thousands" in refusal(csv("v\n1,5\n1.500\n"), "v", decimal=",")
    assert "where commas were asked for" in refusal(csv("v\n1,5\n1.5\n"), "v", decimal=",")


@pytest.mark.parametrize("suffix", ["npy", "parquet"])
@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.array(["2024-01-31", "2024-02-01"], dtype="datetime64[s]"), "dates, not numbers; make numbers"),
        (np.array([True, False]), "truth values, not numbers; write 1 and 0"),
        (np.array([1, 2], dtype="timedelta64[s]"), "durations, not numbers"),
        (np.array(["1.5", "2.5"]), "text or the like, not numbers"),
        (np.array(["3,5", "2,5"]), "text or the like, not numbers"),
        (np.array([True, None], dtype=object), "truth values, not numbers; write 1 and 0"),
    ],
)
def test_arrays_that_hold_no_numbers(tmp_path, suffix, values, says):
    if values.dtype.kind == "O" and suffix == "npy":
        pytest.skip("an array of objects is no readable file")
    if suffix == "npy":
        np.save(tmp_path / "d.npy", values)
    else:
        pd.DataFrame({"v": values}).to_parquet(tmp_path / "d.parquet")
    assert re.search(says, refusal(tmp_path / f"d.{suffix}"))


def test_rows_with_missing_values_are_dropped_and_told(csv, tmp_path):
    text = "v,k,w\n1,a,1\n,a,1\n3,NA,1\n4,b,\n5,b,2\n"
    data = read(csv(text), "v", missing="drop", weight_column="w")
    np.testing.assert_array_equal(data.x[:, 0], [1, 3, 5])
    np.testing.assert_array_equal(data.sample_weight, [1, 1, 2])
    assert data.dropped.tolist() == [1, 3]
    assert data.about == "Column v of d.csv, weighted by w; 2 of 5 rows dropped for a missing value."
    labels = read(csv(text), "k", missing="drop", weight_column="w", categories=True)
    assert labels.x[:, 0].tolist() == [0, 0, 1] and labels.categories == (("a", "b"),)
    assert labels.dropped.tolist() == [2, 3] and labels.sample_weight.tolist() == [1, 1, 2]
    assert read(csv(text), "k", categories=True).categories == (("NA", "a", "b"),)
    frame = pd.DataFrame({"v": pd.array([1, None, 3], dtype="Int64"), "k": ["a", "b", None]})
    frame.to_parquet(tmp_path / "d.parquet")
    assert read(tmp_path / "d.parquet", "v", missing="drop").dropped.tolist() == [1]
    assert read(tmp_path / "d.parquet", "k", missing="drop", categories=True).dropped.tolist() == [2]


def test_a_study_takes_weights_separator_decimal_and_drops(csv):
    csv("v!w\n1,5!2\n?!1\n2,5!3\n")
    text = """
    name = "s"
    [[datasets]]
    name = "mine"
    source = "file"
    path = "d.csv"
    columns = ["v"]
    weight_column = "w"
    separator = "!"
    decimal = ","
    missing = "drop"
    [[models]]
    name = "m"
    family = "normal_known_variance"
    components = 1
    prior = { mean = 0.0, variance = 25.0, noise_variance = 1.0 }
    weights = "fixed"
    [[methods]]
    name = "CAVI"
    kind = "cavi"
    """
    path = csv(text, "s.toml")
    config = load_config(path)
    data = load_dataset(config.datasets[0], config.seed, 1)
    assert data.x.tolist() == [[1.5], [2.5]] and data.sample_weight.tolist() == [2, 3]
    with pytest.raises(InputError, match='decimal: is ";"; it must be'):
        load_config(csv(text.replace('decimal = ","', 'decimal = ";"'), "s.toml"))
