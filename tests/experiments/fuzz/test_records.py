"""Records of a study's database with faults put in, each with the checksum of what then stands there."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.engine import runner
from experiments.engine.places import find_cell
from experiments.engine.standing import damaged_files, standing
from experiments.engine.store.cleaning import waste_in
from experiments.engine.store.folder import Store
from experiments.engine.store.merging import merge
from experiments.engine.store.rows import RECORDS, columns_of, insert, with_checksum
from experiments.engine.workers.executors import executor
from experiments.report.tidy import stored_rows
from hand_cavi import InputError
from tests.experiments.engine.test_runner import CAVI, config, odd, run
from tests.experiments.fuzz.trying import examples, honest_end

VALUES = [None, True, 0, -1, 7, 1.5, 1e308, 10**40, "", "x", "Infinity", "../../x", [], [[]], {}, [1], ["a"]]
VALUES += [
    {"$class": "Cell"},
    {"$class": "os:system"},
    {"$class": "ndarray", "shape": [2], "values": [1]},
    {"a": {}},
]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    text = config(CAVI, odd("fail"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "executor", lambda on, workers, on_start=None: executor("serial", 1, on_start))
        run(text, folder / "whole")
        with Store.open(folder / "whole"):
            pass  # which takes what waits in the log into the database
        yield text, folder


def places(value, path=()):
    """Return the paths of all that a piece of JSON holds."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def changed(data, record):
    """Return the record with one value replaced, taken out or put in."""
    path = data.draw(st.sampled_from(places(record)))
    value = data.draw(st.sampled_from(VALUES))
    if not path:
        return value
    holder = record
    for key in path[:-1]:
        holder = holder[key]
    what = data.draw(st.sampled_from(["replace", "replace", "take out", "put in"]))
    if what == "replace":
        holder[path[-1]] = value
    elif what == "take out":
        del holder[path[-1]]
    elif isinstance(holder, list):
        holder.insert(path[-1], value)
    else:
        holder["more"] = value
    return record


def fault(data, folder):
    """Put one fault or two into rows of the study's database."""
    with closing(sqlite3.connect(folder / "study.sqlite")) as database:
        for _ in range(data.draw(st.integers(1, 2))):
            table = data.draw(st.sampled_from(RECORDS))
            rows = database.execute(f"SELECT {columns_of(table)} FROM {table} ORDER BY rowid").fetchall()
            row = list(data.draw(st.sampled_from(rows))[:-1])
            place = columns_of(table).split(", ").index("mixture" if table == "problem" else "record")
            row[place] = json.dumps(changed(data, json.loads(row[place])))
            insert(database, table, [with_checksum(row)])
        database.commit()


@pytest.fixture
def copies(study, tmp_path):
    """Return what gives a copy of the study's folder, another one each time."""
    number = iter(range(10**6))

    def copy():
        folder = tmp_path / str(next(number))
        shutil.copytree(study[1] / "whole", folder)
        return folder

    return copy


@examples(40)
@given(st.data())
def test_whatever_a_record_holds_is_told_in_a_sentence_or_harms_nothing(copies, data):
    from experiments.commands._json import summary

    folder = copies()
    fault(data, folder)
    with honest_end():
        standing(folder)
    with honest_end():
        waste_in(folder)
    with honest_end():
        merge([folder], folder / "merged")
    with honest_end(), Store.open(folder, writable=False) as store:
        entries = store.manifest().problems
        store.configs()
        for entry in entries:
            stored_rows(store, entry)
        find_cell((one for entry in entries for one in entry.cells), "points/two/cavi")
    with honest_end():
        record = runner.load(folder)
        json.dumps(summary(record, report=None), default=str)
        damaged_files(folder)


def test_standard_errors_that_are_not_of_their_values_shape_are_damage(copies):
    folder = copies()
    with closing(sqlite3.connect(folder / "study.sqlite")) as database:
        (row,) = database.execute(
            f"SELECT {columns_of('measurement')} FROM measurement WHERE metric = 'calibration'"
        )
        text = json.dumps({**json.loads(row[3]), "value": [0.1, 0.2, 0.3]})
        insert(database, "measurement", [with_checksum((*row[:3], text))])
        database.commit()
    with Store.open(folder, writable=False) as store, pytest.raises(InputError, match="is damaged"):
        stored_rows(store, store.manifest().problems[0])


@examples(4)
@given(st.data())
def test_a_run_goes_on_from_whatever_a_record_holds(study, copies, data):
    folder = copies()
    fault(data, folder)
    with honest_end():
        assert run(study[0], folder).verdict.decision == "pass"
