"""The command `elbowroom`: its one way in, and its only way to fail on a user.

Exit codes: 0 fine, 1 a run or a validation failed, 2 wrong usage, configuration or data, 3 a validation
that could not be decided, 130 interrupted. What goes wrong for a user's reason is said in a sentence on
stderr; ``--verbose`` shows where it came from besides. SIGTERM and SIGHUP end a command as Ctrl-C does, with
143 and 129.
"""

import errno
import io
import signal
import sys
import traceback

_COMPARE = {"typer", "rich", "pydantic", "pymc", "pytensor", "arviz", "arviz_base", "arviz_stats", "jinja2"}
_COMPARE |= {"nutpie", "numba", "xarray", "h5netcdf", "pandas", "pyarrow", "matplotlib", "filelock", "psutil"}

_INTERRUPTED = 130
_FOLDER_TROUBLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR}
_FOLDER_TROUBLE |= {errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG}


def main() -> None:
    """Run the command line; always ends by SystemExit."""
    ended_by = _as_ctrl_c()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name, or a terminal, that is not UTF-8
    if sys.argv[1:] == ["--version"]:  # also where typer is not installed
        from experiments.commands._messages import print_version

        print_version()
        sys.exit()
    try:
        from experiments.commands._app import app

        app(prog_name="elbowroom")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _COMPARE:
            raise
        _stop(f'this command needs {error.name}; install it with: pip install "elbowroom[compare]"')
    except KeyboardInterrupt:
        _interrupted(ended_by)
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # as typer has it
            _interrupted(ended_by)
        raise
    except MemoryError as error:
        _stop(f"memory runs out: {error or 'ask for less'}")
    except OSError as error:
        if error.errno not in _FOLDER_TROUBLE:
            raise
        where = f' "{error.filename}"' if error.filename else ""
        _stop(f"cannot use{where}: {error.strerror}; choose another file or folder, or make room")
    except ValueError as error:
        from hand_cavi import InputError  # not at the top: --help must not pay for it

        if not isinstance(error, InputError):
            raise
        _stop(str(error))


def _as_ctrl_c() -> list[signal.Signals]:
    """Have SIGTERM and SIGHUP end this process as Ctrl-C does; the list will hold the one that did."""
    ended_by: list[signal.Signals] = []

    def end(number: int, frame: object) -> None:
        ended_by.append(signal.Signals(number))
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # nohup's wish is respected
            signal.signal(number, end)
    return ended_by


def _interrupted(ended_by: list[signal.Signals]) -> None:
    by = ended_by[0] if ended_by else signal.SIGINT
    _stop("interrupted" + (f" by {by.name}" if ended_by else ""), code=128 + by)


def _stop(message: str, code: int = 2) -> None:
    from experiments.commands._messages import complain, loudness

    if loudness.verbose and sys.exception() is not None:
        traceback.print_exc()
    complain(message)
    sys.exit(code)


if __name__ == "__main__":
    main()
