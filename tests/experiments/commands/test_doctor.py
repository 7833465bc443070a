"""`elbowroom doctor` says what is slow or broken, and how to mend it."""

import json
import re
import shutil
import sys
from collections import namedtuple
from importlib import metadata

import pytest

from experiments.commands import _environment as environment
from experiments.commands._environment import BROKEN, OK, SLOW, Finding

Usage = namedtuple("Usage", "free")
Memory = namedtuple("Memory", "available total")


@pytest.fixture(scope="module")
def imported():
    """What importing PyMC tells, in a process of its own."""
    return list(environment.imports())


@pytest.fixture
def doctor(elbowroom, monkeypatch, imported, here):
    """Run it, PyMC imported already; returns exit code, findings by name, and what it says."""
    monkeypatch.setattr(environment, "imports", lambda: iter(imported))
    monkeypatch.setenv("COLUMNS", "80")

    def run():
        code, out, err = elbowroom("doctor", "--json")
        assert not err
        findings = {one["name"]: one for one in json.loads(out)["findings"]}
        assert {one["state"] for one in findings.values()} <= {OK, SLOW, BROKEN}
        assert all(bool(one["mend"]) == (one["state"] != OK) for one in findings.values())
        assert code == (BROKEN in {one["state"] for one in findings.values()})
        return code, findings, elbowroom("doctor")[1]

    return run


def test_a_machine_that_runs_the_tests_is_not_broken(doctor, imported):
    code, findings, said = doctor()
    assert code == 0 and findings["Python"]["said"].startswith(sys.version.split()[0])
    assert [one.name for one in imported] == ["PyMC, nutpie", "C compiler", "BLAS"]
    names = {"packages", "cores", "numba", "compile cache", "bytecode", "disk", "memory", "Dask", "browser"}
    assert names < set(findings)
    assert "needed for numpyro_nuts and numpyro_vi alone" in findings["NumPyro"]["said"]
    assert said.rstrip().endswith("0 broken")
    assert all(len(line) <= 80 for line in said.splitlines() if " " in line.strip())


def test_what_slows_it_down_is_said_and_what_breaks_it_is_an_exit_code(doctor, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("ELBOWROOM_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1000))
    monkeypatch.setattr("psutil.virtual_memory", lambda: Memory(2**29, 2**34))
    code, findings, said = doctor()
    assert code == 1
    assert {name for name, one in findings.items() if one["state"] == BROKEN} == {"compile cache"}
    slow = {name for name, one in findings.items() if one["state"] == SLOW}
    assert {"numba", "bytecode", "disk", "memory"} <= slow
    assert "OMP_NUM_THREADS=3" in findings["cores"]["said"]
    assert "mend: set ELBOWROOM_CACHE" in said and "mend: unset NUMBA_DISABLE_JIT" in said


def test_a_cache_is_cold_until_something_is_in_it(doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("ELBOWROOM_CACHE", str(tmp_path))
    found = doctor()[1]["compile cache"]
    assert found["state"] == SLOW and "cold" in found["said"]
    folder = tmp_path / "elbowroom" / "worker-0" / "pytensor"
    folder.mkdir(parents=True)
    (folder / "a.so").write_bytes(b"x")
    found = doctor()[1]["compile cache"]
    assert found["state"] == OK and "warm: 1 compiled pieces" in found["said"]


def test_packages_are_held_against_what_is_required_and_what_was_tested(monkeypatch):
    real = metadata.version
    assert environment.packages().state == OK
    for name, version, says in (
        ("pymc", "5.0", r"pymc is 5.0, not .*6.4"),
        ("nutpie", None, "nutpie is missing"),
        ("scipy", "1.99", "other than when the tests last passed: .*scipy 1.99"),
    ):

        def odd(asked, name=name, version=version):
            if asked != name:
                return real(asked)
            if version is None:
                raise metadata.PackageNotFoundError(asked)
            return version

        monkeypatch.setattr(environment, "version", odd)
        found = environment.packages()
        assert found.state == (OK if name == "scipy" else BROKEN)
        assert re.search(says, found.said), found.said


@pytest.mark.parametrize(
    ("probe", "says"),
    [("import a_module_that_is_not_there", "No module named"), ("import os; os._exit(9)", "ended with 9")],
)
def test_a_library_that_cannot_be_imported_is_broken(monkeypatch, probe, says):
    monkeypatch.setattr(environment, "_PROBE", probe)
    (found,) = environment.imports()
    assert found.state == BROKEN and says in found.said and "reinstall" in found.mend


def test_a_compiler_is_tried(tmp_path):
    assert environment._compiler("").state == SLOW
    assert environment._compiler("a-compiler-that-is-not-there").state == SLOW
    fails = tmp_path / "cxx"
    fails.write_text("#!/bin/sh\necho no headers >&2\nexit 1\n")
    fails.chmod(0o755)
    assert environment._compiler(str(fails)) == Finding(
        "C compiler", BROKEN, f"{fails}: no headers", environment._compiler("").mend
    )
