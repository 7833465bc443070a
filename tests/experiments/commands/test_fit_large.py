"""`elbowroom fit` on large files, its checkpoints, and what it shows while it runs.

Files count as large from 500 numbers on here, so that the same rows can be read either way in no time.
"""

import io
import json
import re
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.commands._data import open_data
from experiments.commands._fit_tables import print_fit
from experiments.commands._fitting import Model, fit_file
from experiments.commands._progress import FitProgress, Pace, line_of
from experiments.datasets import _large
from experiments.families.summary import Summary
from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalGamma, NormalKnownVariance, Status, fit
from hand_cavi.ascent.checkpoint import Log
from hand_cavi.ascent.forecast import sweeps_left
from hand_cavi.ascent.progress import Progress
from hand_cavi.sources import ArraySource

DOCS = Path(__file__).parents[3] / "docs" / "large-data.md"
N = 3000
FIXED = "normal_known_variance"


def rows(seed=0):
    rng = np.random.default_rng(seed)
    centres = np.array([[-4.0, 1.0], [0.0, 5.0], [5.0, 0.0]])
    return np.round(centres[rng.integers(0, 3, N)] + rng.standard_normal((N, 2)), 6)


@pytest.fixture
def here(here, monkeypatch):
    """A folder with the same rows (a, b) as CSV, NPY and Parquet; the current one."""
    x = rows()
    lines = "\n".join(f"{a!r},{b!r}" for a, b in x.tolist())
    (here / "x.csv").write_text(f"a,b\n{lines}\n")
    np.save(here / "x.npy", x)
    np.save(here / "named.npy", np.rec.fromarrays([x[:, 1], x[:, 0]], names="b,a"))
    pq.write_table(pa.table({"a": x[:, 0], "b": x[:, 1]}), here / "x.parquet", row_group_size=700)
    monkeypatch.setattr(_large, "LARGE", 500)
    return here


@pytest.fixture
def streaming(monkeypatch):
    """No statistics are held, as if the rows were many."""
    monkeypatch.setattr(sys.modules["hand_cavi.fit"], "HELD", 0)


def same(a, b):
    """Compare JSON content, numbers to 1e-9 relative: other pieces add up in another order."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for pair in zip(a, b, strict=True):
            same(*pair)
    else:
        assert a == (pytest.approx(b, rel=1e-9, abs=1e-9) if isinstance(b, float) else b)


# files


@pytest.mark.parametrize("family", ["normal_known_variance", "normal_gamma", "normal_wishart"])
def test_a_file_gives_the_same_read_whole_or_in_blocks(here, elbowroom, streaming, family):
    def found(name, *columns):
        arguments = [word for column in columns for word in ("--column", column)]
        arguments += ["--components", 3, "--family", family, "--starts", 1, "--max-sweeps", 12]
        code, out, err = elbowroom("fit", name, *arguments, "--json")
        content = json.loads(out)
        assert code == 0 and content.pop("data").endswith(f"{name}.")
        assert len(content.pop("columns")) == 2 and content["n"] == N
        return {**content, "stderr": err}

    whole = found("x.csv", "a", "b")
    for source in (found("x.npy"), found("x.parquet", "a", "b"), found("named.npy", "a", "b")):
        same(source, whole)


def is_mapped(source):
    array = source.rows
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


def test_a_large_file_is_not_read_whole(here):
    for name in ("x.npy", "named.npy", "x.parquet"):
        columns = () if name == "x.npy" else ("a",)
        data = open_data(here / name, columns, "normal_gamma")
        assert not isinstance(data.source, ArraySource) or is_mapped(data.source)
        assert sum(len(block.rows) for block in data.source.blocks()) == data.n_points == N
    whole = open_data(here / "x.csv", ("a",), "normal_gamma").source
    assert isinstance(whole, ArraySource) and not is_mapped(whole)
    np.save(here / "codes.npy", np.arange(N) % 3)
    assert open_data(here / "codes.npy", (), "dirichlet_categorical").shown.categories == (("0", "1", "2"),)


def test_condensed_data_are_told_of_and_can_be_declined(here, elbowroom):
    def found(*more):
        arguments = ["--column", 0, "--components", 2, "--noise-variance", 9, "--starts", 2]
        return elbowroom("fit", "x.npy", *arguments, *more)

    code, out, err = found("--condense", "always", "--json")
    condensed = json.loads(out)
    assert (code, err) == (0, "") and condensed["condensed"]["points"] == N
    assert condensed["condensed"]["nodes"] <= N / 4
    assert 0 <= condensed["condensed"]["elbo_error"] <= 1e-10
    assert 0 <= condensed["condensed"]["sums_error"] <= 1e-10
    plain = json.loads(found("--condense", "never", "--json")[1])
    assert plain["condensed"] is None and plain["elbo"] == pytest.approx(condensed["elbo"], rel=1e-10)
    nodes = condensed["condensed"]["nodes"]
    assert f"3,000 points condensed to {nodes} nodes" in found("--condense", "always")[1]
    assert "condensed" not in found("--condense", "never")[1]


def test_what_cannot_be_condensed_is_said(here, elbowroom):
    code, _, err = elbowroom(
        "fit", "x.npy", "--components", 2, "--noise-variance", 9, "--condense", "always", "--starts", 1
    )
    assert code == 0 and "could not be condensed" in err and err.count("\n") == 1


def test_starts_that_are_given_up_are_counted(here, capsys):
    model = Model(4, "normal_gamma", "dirichlet")
    data = open_data(here / "x.npy", ("0",), "normal_gamma")
    result = fit_file(data, model, condense=False, give_up=True, starts=8, tolerance=1e-9)
    given_up = sum(start.status is Status.GIVEN_UP for start in result.fit.starts)
    assert result.content()["starts_given_up"] == given_up > 0
    print_fit(result)
    assert f"{given_up} of 8 were given up" in capsys.readouterr().out


def test_an_end_at_a_saddle_is_the_first_thing_said(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("v\n-3\n-2\n2\n3\n")
    data = open_data(tmp_path / "x.csv", ("v",), "normal_known_variance")
    result = fit_file(data, Model(2, "normal_known_variance", "fixed"), starts=np.full((4, 2), 0.5))
    print_fit(result)
    assert "\nsaddle after 4 sweeps: the bound stopped rising at a saddle" in capsys.readouterr().out
    assert result.content()["status"] == "saddle"


def test_a_picture_and_a_warning_may_rest_on_some_rows(here, elbowroom, monkeypatch):
    monkeypatch.setattr("experiments.commands._data.SOME", 300)
    arguments = ["--column", 0, "--components", 2, "--noise-variance", 1, "--starts", 2]
    code, _, err = elbowroom("fit", "x.npy", *arguments, "--plot", "p.png")
    assert code == 0 and err == "elbowroom: p.png shows 300 of 3,000 rows, evenly spaced\n"
    assert (here / "p.png").stat().st_size > 5000
    np.save(here / "wide.npy", 100 * rows())
    code, _, err = elbowroom("fit", "wide.npy", "--components", 2, "--starts", 1, "--family", FIXED)
    assert code == 0 and "(by 300 of 3,000, evenly spaced)" in err and "give --noise-variance" in err


@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_bad_values_are_refused_as_in_small_files(here, elbowroom, monkeypatch, kind):
    x = rows()
    x[2345, 1] = np.nan
    if kind == "npy":
        np.save("bad.npy", x)
        name = "1"
    else:
        pq.write_table(pa.table({"a": x[:, 0], "b": pa.array(x[:, 1], from_pandas=True)}), "bad.parquet")
        name = "b"
    large = elbowroom("fit", f"bad.{kind}", "--column", name, "--components", 2)
    assert large[:2] == (2, "") and f'row 2345 (counted from 0): column "{name}" holds nan' in large[2]
    monkeypatch.setattr(_large, "LARGE", 1 << 20)
    assert elbowroom("fit", f"bad.{kind}", "--column", name, "--components", 2) == large


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("text.parquet", 'text.parquet: column "v" holds text or the like, not numbers'),
        ("yes.parquet", 'yes.parquet: column "v" holds truth values, not numbers; write 1 and 0'),
        ("damaged.parquet", "damaged.parquet is no readable Parquet file"),
        ("cut.npy", "cut.npy is no readable NPY file"),
        ("complex.npy", 'column "0" holds complex numbers, not real ones'),
        ("cube.npy", "has 3 axes"),
    ],
)
def test_other_than_numbers_is_refused_in_one_sentence(here, elbowroom, name, complaint):
    pq.write_table(pa.table({"v": ["a"] * N}), "text.parquet")
    pq.write_table(pa.table({"v": [True] * N}), "yes.parquet")
    (here / "damaged.parquet").write_bytes((here / "x.parquet").read_bytes()[:-20])
    (here / "cut.npy").write_bytes((here / "x.npy").read_bytes()[:20_000])
    np.save("complex.npy", np.zeros(N, dtype=complex))
    np.save("cube.npy", np.zeros((10, 10, 100)))
    columns = ["--column", "v"] if name in ("text.parquet", "yes.parquet") else []
    code, out, err = elbowroom("fit", name, *columns, "--components", 2)
    assert (code, out) == (2, "") and complaint in err and err.count("\n") == 1


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "<f2"])
def test_numbers_of_other_kinds(here, elbowroom, dtype):
    values = np.round(rows()[:, 0]).astype(dtype)
    np.save("kind.npy", values)
    np.save("double.npy", values.astype(np.float64))
    a, b = (
        json.loads(elbowroom("fit", f, "--components", 2, "--starts", 2, "--json")[1])
        for f in ("kind.npy", "double.npy")
    )
    assert a["n"] == N and a["elbo"] == pytest.approx(b["elbo"], rel=1e-9)
    same(a["prior"], b["prior"])


def test_a_summary_is_that_of_all_rows_whatever_the_pieces(monkeypatch):
    x = np.column_stack([1e6 + rows()[:, 0], np.full(N, 0.1)])
    monkeypatch.setattr("hand_cavi.sources.Block.pieces.__defaults__", (117,))
    found = Summary.of(x)
    assert found.n_points == N and found.is_finite
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.variance, [x[:, 0].var(), 0.0], rtol=1e-9)
    np.testing.assert_array_equal([found.low, found.high], [x.min(axis=0), x.max(axis=0)])
    assert found.variance[1] == 0.0


def test_the_source_of_ones_own_in_the_docs_does_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", DOCS.read_text(), flags=re.DOTALL)[1]
    exec(compile(code, DOCS.name, "exec"), {})
    means, sizes = capsys.readouterr().out.strip().splitlines()
    assert np.sort(np.fromstring(means.strip("[]"), sep=" ")) == pytest.approx([-3, 3], abs=0.05)
    n_points, n_nodes = map(int, sizes.split())
    assert n_points == 120_000 and n_nodes < 1000


# moves

CROWDED = ["--components", 4, "--mean", 0, "--variance", 100, "--starts", 1, "--seed", 5]


def test_moves_leave_a_lower_optimum_and_are_told_of(here, elbowroom):
    """From one start, four components for three groups end low; a move finds the better optimum."""
    mixture = Mixture(NormalKnownVariance([0.0, 0.0], 100.0), FixedWeights(), 4)
    plain, moved = (fit(mixture, rows(), rng=5, starts=1, moves=n) for n in (0, 10))
    kept = sum(move.kept for move in moved.moves)
    assert kept >= 1 and moved.elbo > plain.elbo + 1
    asked = [elbowroom("fit", "x.npy", *CROWDED, "--moves", n, "--json")[1] for n in (0, 10)]
    found = [json.loads(document) for document in asked]
    assert [one["elbo"] for one in found] == pytest.approx([plain.elbo, moved.elbo], rel=1e-12)
    assert [one["moves_tried"] for one in found] == [0, len(moved.moves)]
    assert [one["moves_kept"] for one in found] == [0, kept]
    assert [one["starts_at_best"] for one in found] == [1, 0]
    _, out, _ = elbowroom("fit", "x.npy", *CROWDED, "--moves", 10)
    assert f"0 of 1 starts reached this bound (0 %)\n10 split-and-merge moves were tried, {kept} kept" in out
    assert "moves" not in elbowroom("fit", "x.npy", *CROWDED, "--moves", 0)[1]
    assert "5 split-and-merge moves were tried" in elbowroom("fit", "x.npy", *CROWDED)[1]


def test_data_that_are_not_held_refuse_moves(here, elbowroom, streaming):
    code, out, err = elbowroom("fit", "x.npy", *CROWDED, "--moves", 1)
    assert (code, out) == (2, "") and "too many to hold; leave moves at 0" in err and err.count("\n") == 1


# checkpoints and threads

LONG = ["fit", "x.npy", "--components", 3, "--family", "normal_gamma", "--starts", 3, "--json"]


@pytest.mark.parametrize("records", [0, 1, 12])
def test_an_interrupted_fit_goes_on_by_the_same_command(here, elbowroom, streaming, monkeypatch, records):
    plain = elbowroom(*LONG)
    write = Log.write
    left = iter(range(records))

    def interrupted(self, questions, answers):
        write(self, questions, answers)
        if next(left, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(Log, "write", interrupted)
    code, out, err = elbowroom(*LONG, "--checkpoint", "fit.log")
    assert (code, out) == (130, "")
    assert err == (
        'elbowroom: what is done is kept in "fit.log", and the same command goes on from there\n'
        "elbowroom: interrupted\n"
    )
    made = []
    monkeypatch.setattr(Log, "write", lambda self, q, a: made.append(len(q)) or write(self, q, a))
    assert elbowroom(*LONG, "--checkpoint", "fit.log") == plain
    sweeps = len(made)
    made.clear()
    assert elbowroom(*LONG, "--checkpoint", "fit.log") == plain and made == []
    (here / "fit.log").unlink()
    assert elbowroom(*LONG, "--checkpoint", "fit.log") == plain
    assert len(made) == sweeps + records + 1


def test_interrupted_without_a_checkpoint(here, elbowroom, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.commands._fitting.fit", interrupt)
    code, out, err = elbowroom(*LONG)
    assert (code, out) == (130, "") and "goes on" not in err


def test_threads_change_nothing(here, elbowroom, streaming):
    assert elbowroom(*LONG, "--threads", 1) == elbowroom(*LONG, "--threads", 2)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--condense", "sometimes"], "'auto', 'always', 'never'"),
        (["--threads", "0"], "--threads"),
        (["--moves", "-1"], "--moves"),
        (["--threads", "two"], "--threads"),
        (["--checkpoint", "x.csv"], "x.csv is no checkpoint"),
        (["--checkpoint", "."], "is a folder; give a file"),
        (["--checkpoint", "x.csv/fit.log"], "cannot be written"),
        (["--checkpoint", "other.log"], "belongs to another fit"),
    ],
)
def test_bad_values_of_options(here, elbowroom, arguments, complaint):
    before = (here / "x.csv").read_bytes()
    arguments = list(arguments)
    if "other.log" in arguments:
        assert elbowroom(*LONG, "--seed", 2, "--checkpoint", "other.log")[0] == 0
    code, out, err = elbowroom(*LONG, *arguments)
    assert (code, out) == (2, "") and complaint in err
    assert (here / "x.csv").read_bytes() == before


# progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def at(sweep, *, under_way=(1,), gain=0.5, left=8.0):
    return Progress(under_way, 20, sweep, -1234567.891, gain, left)


@pytest.mark.parametrize(
    ("progress", "seconds", "line"),
    [
        (
            at(7, under_way=(3,)),
            0.5,
            "start 3 of 20: sweep 7, bound -1234567.891, last gain 0.5; about 4.0 s left for this start",
        ),
        (
            at(7, under_way=(1, 4, 9), gain=12345.0),
            10.0,
            "3 of 20 starts, side by side: sweep 7, bound -1234567.891, last gain 1.2e+04; "
            "about 1 min 20 s left",
        ),
        (
            at(1, gain=None, left=None),
            None,
            "start 1 of 20: sweep 1, bound -1234567.891; time left not known yet",
        ),
        (
            Progress((1,), 0, 7, -3.5, 0.5, 8.0),
            0.5,
            "a split-and-merge move: sweep 7, bound -3.5, last gain 0.5; about 4.0 s left for this move",
        ),
        (
            Progress((1,), 1, 7, -3.5, 0.5, 8.0),
            0.5,
            "start 1 of 1: sweep 7, bound -3.5, last gain 0.5; about 4.0 s left",
        ),
    ],
)
def test_the_line_that_is_shown(progress, seconds, line):
    assert line_of(progress, seconds) == line


def test_the_pace_is_that_of_the_last_sweeps_of_the_same_start():
    pace = Pace()
    assert pace.seconds_a_sweep(at(1), 0.0) is None
    assert pace.seconds_a_sweep(at(2), 3.0) == 3.0
    for sweep in range(3, 20):
        pace.seconds_a_sweep(at(sweep), float(sweep))
    assert pace.seconds_a_sweep(at(20), 20.0) == 1.0  # the slow one is long ago
    assert pace.seconds_a_sweep(at(1, under_way=(2,)), 21.0) is None


def test_sweeps_left_when_gains_fall_geometrically():
    """Gains 2^-t: the t-th is negligible from 2^-t <= 1e-6 on, which is t = 20."""
    bounds = [-(2.0**-t) for t in (4, 5, 6)]  # gains 2^-5, 2^-6
    assert sweeps_left(*bounds, negligible=1e-6, patience=3) == 14 + 3
    assert sweeps_left(0.0, 1.0, 3.0, negligible=1e-6, patience=3) == np.inf  # gains grow
    assert sweeps_left(0.0, 1.0, 1.0, negligible=1e-6, patience=3) == 3
    assert sweeps_left(*bounds, negligible=0.0, patience=3) == np.inf


@pytest.mark.parametrize("held", [True, False])
def test_progress_is_told_and_changes_nothing(held, monkeypatch):
    if not held:
        monkeypatch.setattr(sys.modules["hand_cavi.fit"], "HELD", 0)
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), DirichletWeights(1.0), 3)
    x, told = rows()[:500], []
    plain = fit(mixture, x, rng=0, starts=4)
    watched = fit(mixture, x, rng=0, starts=4, progress=told.append)
    assert watched.starts == plain.starts and np.array_equal(watched.elbo_trace, plain.elbo_trace)
    assert all(one.n_starts == 4 for one in told)
    sweeps = sum(start.sweeps for start in plain.starts)
    if held:
        assert len(told) == sweeps and [one.under_way for one in told[:2]] == [(1,), (1,)]
        last = [b for b in told if b.under_way == (4,)][-1]
        assert last.sweeps_left == 0 or last.sweeps_left <= 3
    else:  # once before every pass but the first; at its end, an ascent is no longer under way
        assert told[0].under_way == (1, 2, 3, 4)
        assert sum(len(one.under_way) for one in told) == sweeps - 4
    assert max(one.elbo for one in told) <= plain.elbo + 1e-9 * abs(plain.elbo)


def test_moves_are_told_of_and_change_nothing():
    mixture, told = Mixture(NormalKnownVariance([0.0, 0.0], 100.0), FixedWeights(), 4), []
    plain = fit(mixture, rows(), rng=5, starts=1, moves=3)
    watched = fit(mixture, rows(), rng=5, starts=1, moves=3, progress=told.append)
    assert watched.moves == plain.moves and watched.elbo == plain.elbo
    of_moves = [one for one in told if one.n_starts == 0]
    assert len(of_moves) == sum(move.sweeps for move in plain.moves)
    assert [one.gain is None for one in of_moves].count(True) == len(plain.moves)


def test_more_components_than_points_are_told_before_the_fit(here, elbowroom, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.commands._fitting.fit", interrupt)
    for name, words in (
        ("x.csv", "3,000 points for 4000 components; at least 1000 must stay"),
        ("y.csv", ""),
    ):
        (here / "y.csv").write_text("a\n" + "1\n2.5\n" * 50)
        code, _, err = elbowroom("fit", name, "--column", "a", "--components", 4000)
        assert code == 130 and err.startswith(f"elbowroom: {words}") and "4000 components" in err
    code, _, err = elbowroom("fit", "y.csv", "--column", "a", "--components", 3)
    assert "100 points with 2 different values for 3 components; more than 2 cannot be told apart" in err


def test_nothing_is_shown_at_first_nor_left_at_the_end():
    stream, clock = Terminal(), Clock()
    with FitProgress(stream, clock) as progress:
        for sweep in range(1, 10):
            clock.now = sweep / 10
            progress(at(sweep))
        assert stream.getvalue() == ""
        clock.now = 1.5
        progress(at(10))
        clock.now = 1.51
        progress(at(11))
    shown = stream.getvalue()
    assert "sweep 10" in shown and "sweep 11" not in shown
    assert shown.endswith("\x1b[2K") and "\x1b[?25h" in shown  # the line is wiped, and the cursor back


def test_what_begins_is_shown_before_what_is_told_of_it():
    stream, clock = Terminal(), Clock()
    with FitProgress(stream, clock) as progress:
        clock.now = 2.0
        progress.begins("K = 3: log p(x)")
        progress.clear()
        assert "K = 3: log p(x)" in stream.getvalue() and stream.getvalue().endswith("\x1b[2K")
        clock.now = 3.0
        progress(at(10))
    assert "K = 3: log p(x): start 1 of 20: sweep 10" in stream.getvalue()


def test_what_tells_nothing_is_shown_while_it_lasts(monkeypatch):
    """A thread looks on; what is printed in between has the terminal for itself."""
    monkeypatch.setattr("experiments.commands._progress.PATIENCE", 0.01)
    stream, clock = Terminal(), Clock()
    with FitProgress(stream, clock) as progress:
        progress.begins("reading data.csv")
        clock.now = 3.0
        until(lambda: "reading data.csv (3.0 s)" in stream.getvalue())
        clock.now = 70.0
        until(lambda: "reading data.csv (1 min 10 s)" in stream.getvalue())
        progress.clear()
        length = len(stream.getvalue())
        clock.now = 80.0
        time.sleep(0.05)
        assert len(stream.getvalue()) == length
        progress.begins("standard deviations")
        assert "standard deviations" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[2K")
    assert not progress._looks_on.is_alive()


def until(seen, seconds=20.0):
    """Wait until something is seen."""
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.mark.parametrize("command", ["fit", "choose"])
def test_every_stage_is_told(here, elbowroom, command):
    (here / "y.csv").write_text("a\n" + "1\n2.5\n7\n9.25\n" * 4)
    more = ["--folds", "2"] if command == "choose" else ["--sds", "sampling"]
    data = ("y.csv", "--column", "a", "--components", 2, "--starts", 1)
    code, _, err = elbowroom(command, *data, "--verbose", "--plot", "x.png", *more)
    stages = ["reading y.csv", "drawing x.png"]
    stages += ["K = 2: log p(x)", "K = 2: prediction"] if command == "choose" else ["standard deviations"]
    assert code == 0 and all(f"s] {stage}" in err for stage in stages)


def test_nothing_is_shown_but_on_a_terminal(here, elbowroom, monkeypatch):
    monkeypatch.setattr("experiments.commands._progress.PATIENCE", 0.0)
    monkeypatch.setattr("experiments.commands._progress._EVERY", 0.0)
    code, _, err = elbowroom(*LONG)
    assert (code, err) == (0, "")
    stream = io.StringIO()
    with FitProgress(stream) as progress:
        progress(at(5))
    assert stream.getvalue() == ""
