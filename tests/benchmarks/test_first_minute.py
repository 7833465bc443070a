"""What is made of a run's own records; the measuring itself takes minutes and a package cache."""

import pytest

RUN = {
    "began": 100.0,
    "installed": 102.0,
    "ended": 150.0,
    "tasks": [
        ("cavi on five-clusters (a)", 105.0, 106.0),
        ("advi on five-clusters (a)", 105.5, 125.0),
        ("judging three-small (b)", 120.0, 122.0),
        ("judging five-clusters (a)", 125.0, 132.5),
    ],
    "cells": [
        {"structure": "a", "method": "cavi", "whole": 1.0, "compile": 0.0, "run": 0.2, "cache": ""},
        {"structure": "a", "method": "advi", "whole": 20.0, "compile": 12.0, "run": 7.0, "cache": "cold"},
        {"structure": "a", "method": "nuts", "whole": 4.0, "compile": 3.0, "run": 1.0, "cache": "cold"},
        {"structure": "b", "method": "nuts", "whole": 4.0, "compile": 0.0, "run": 3.5, "cache": "reused"},
    ],
}


def test_the_phases_of_a_run_add_up_to_it(script):
    found = script("first_minute").phases(RUN)
    assert list(found.values()) == [2.0, 3.0, 15.0, 12.5, 17.5]
    assert sum(found.values()) == RUN["ended"] - RUN["began"]


def test_graphs_are_counted_by_structure_and_judging_by_its_label(script):
    module = script("first_minute")
    assert module.compilations(RUN) == {"a": 2}
    assert module.judging_slow(RUN) == 7.5
    said = module.seconds_of(RUN)
    assert "compiling for advi 12.0" in said and "sampling 4.5" in said and "fits 7.2" in said
    assert "handing over 2.3" in said


def test_imports_are_added_up_by_package(script):
    told = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       500 |        700 |   numpy._core\n"
        "import time:      1000 |       1700 | numpy\n"
        "other text\n"
        "import time:       200 |        200 | json\n"
    )
    assert script("first_minute").imports(told) == pytest.approx({"numpy": 0.0015, "json": 0.0002})


def test_without_uv_it_says_so(script, monkeypatch, tmp_path):
    module = script("first_minute")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(script("measuring").NotRunError, match="uv is not on the path"):
        module.Fresh(tmp_path)
