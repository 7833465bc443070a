"""What several folders of tests use: a folder to be in, and the command line, run in this process."""

import sys

import pytest

from experiments.commands import cli


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def elbowroom(monkeypatch, capsys):
    """Run the command in this process; returns its exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["elbowroom", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = capsys.readouterr()
        assert "Traceback" not in written.err or "--verbose" in arguments
        code = ended.value.code
        return (0 if code is None else code), written.out, written.err

    return run
