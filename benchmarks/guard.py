"""Which rows got slower between two commits: by instructions, or by times where they cannot be counted.

    uv run python benchmarks/guard.py BASE [HEAD] [--times] [--only TEXT] [--rounds 21]

The rows of `guard_rows.py`, those of the present checkout for both commits, run with each commit's packages
in the present environment. Instructions are counted by valgrind's callgrind: a process that repeats the row
many times less one that repeats it a few times, so that imports and starting up cancel; counts repeat to one
part in a million, and what moves by more than 1 % is told. valgrind 3.19 knows no AVX-512, and counting takes
fifty times as long as running: so the loops are numpy's (ELBOWROOM_KERNEL=numpy), OpenBLAS takes those for
Haswell, and sizes are small. The compiled loop is looked at by --times alone. Times are of processes that
stay alive and take turns, A, B, A, B, ...; a row moved where the 99 % interval of the median ratio excludes 1
and the ratio is off by more than 5 %. Exits with 1 if a row got slower, 2 if there is no such commit.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from statistics import median

from document import table
from guard_compared import Compared, median_interval
from guard_rows import ROWS
from measuring import ALL_THREADS, NotRunError

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "guard_rows.py"


@dataclass(frozen=True)
class Side:
    """One commit: its worktree, and a folder with what rows read."""

    commit: str
    tree: Path
    folder: Path

    def environment(self, *, counted: bool) -> dict[str, str]:
        """Return the environment in which its rows run."""
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        plain = {"ELBOWROOM_KERNEL": "numpy", "OPENBLAS_CORETYPE": "Haswell"} if counted else {}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ELBOWROOM_")}
        fixed = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}
        return {**kept, **one, **fixed, "PYTHONPATH": str(self.tree), **plain}

    def command(self, *arguments: str) -> list[str]:
        """Return the command of one of its rows."""
        return [sys.executable, str(SCRIPT), *arguments]

    def prepare(self) -> None:
        """Write what rows read, and with it the bytecode."""
        done = subprocess.run(
            self.command("prepare", str(self.folder)),
            env=self.environment(counted=True), cwd=self.tree, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            print(f"{self.commit[:9]}: not all rows can run: {last(done.stderr)}", file=sys.stderr)

    def instructions(self, row: str) -> int:
        """Return the instructions of a row: many times less few."""
        few, many = (self._counted(row, times) for times in ROWS[row][1:])
        return many - few

    def _counted(self, row: str, times: int) -> int:
        valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        done = subprocess.run(
            [*valgrind, *self.command("once", row, str(self.folder), str(times))],
            env=self.environment(counted=True), cwd=self.tree, capture_output=True, text=True,
        )  # fmt: skip
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode or found is None:
            own = [line for line in done.stderr.splitlines() if not line.startswith("==")]
            raise NotRunError(f"{self.commit[:9]}: {last(chr(10).join(own))}")
        return int(found[1])


@contextmanager
def sides(commits: Sequence[str]) -> Iterator[list[Side]]:
    """Make a worktree of each commit; they are removed whatever happens."""
    with tempfile.TemporaryDirectory(prefix="guard-") as scratch:
        made = []
        try:
            for name, commit in zip(("base", "head"), commits, strict=True):
                tree, folder = Path(scratch) / name, Path(scratch) / f"{name}-rows"
                folder.mkdir()
                git("worktree", "add", "--detach", str(tree), commit)
                made.append(Side(commit, tree, folder))
            yield made
        finally:
            for name in ("base", "head"):
                subprocess.run(
                    ["git", "worktree", "remove", "--force", str(Path(scratch) / name)],
                    cwd=ROOT, capture_output=True,
                )  # fmt: skip


def commit_of(name: str) -> str:
    """Return the hash of a commit, or end with a sentence and 2."""
    asked = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(
            f'there is no commit "{name}" in this repository; "git log" shows those there are',
            file=sys.stderr,
        )
        raise SystemExit(2)
    return done.stdout.strip()


def git(*arguments: str) -> None:
    """Run git in the repository."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(last(done.stderr))


def last(text: str) -> str:
    """Return the last line that is not empty."""
    return (text.strip().splitlines() or ["no message"])[-1].strip()


def counted(row: str, both: Sequence[Side]) -> Compared:
    """Compare a row by instructions; both commits at a time, which changes no count."""
    try:
        with ThreadPoolExecutor(ALL_THREADS) as pool:
            base, head = pool.map(lambda side: side.instructions(row), both)
    except NotRunError as why:
        return Compared(row, "instructions", why=str(why))
    return Compared(row, "instructions", base, head, *[head / base] * 3)


def timed(row: str, both: Sequence[Side], rounds: int) -> Compared:
    """Compare a row by times, in turns."""
    processes = [
        subprocess.Popen(
            side.command("serve", row, str(side.folder)), env=side.environment(counted=False), cwd=side.tree,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for side in both
    ]  # fmt: skip
    try:
        for process in processes:
            process.stdout.readline()  # it is ready, or gone
        pairs = [tuple(turn(process) for process in processes) for _ in range(rounds)]
    except (ValueError, OSError):
        gone = [side.commit[:9] for side, one in zip(both, processes, strict=True) if one.poll() is not None]
        return Compared(row, "times", why=f"its process ended at {' and '.join(gone)}")
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    base, head = (median(column) for column in zip(*pairs, strict=True))
    return Compared(row, "times", base, head, *median_interval([b / a for a, b in pairs]))


def turn(process: subprocess.Popen) -> float:
    """Let a process run its row once; return the seconds."""
    print(file=process.stdin, flush=True)
    return float(process.stdout.readline())


def main() -> None:
    """Compare, print, and exit with 1 if a row got slower."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", help="a commit")
    parser.add_argument("head", nargs="?", default="HEAD", help="another (default: HEAD)")
    parser.add_argument("--times", action="store_true", help="by paired times, also where there is valgrind")
    parser.add_argument("--only", default="", metavar="TEXT", help="the rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=21, help="of times")
    arguments = parser.parse_args()
    wanted = [row for row in ROWS if arguments.only in row]
    if not wanted:
        parser.error(f"no row contains {arguments.only!r}; there are {'; '.join(ROWS)}")
    by_times = arguments.times or which("valgrind") is None
    found = []
    with sides([commit_of(arguments.base), commit_of(arguments.head)]) as both:
        for side in both:
            side.prepare()
        for row in wanted:
            found.append(timed(row, both, arguments.rounds) if by_times else counted(row, both))
            print(" | ".join(found[-1].cells.values()), file=sys.stderr, flush=True)
    print(table([one.cells for one in found]))
    slower = [one.row for one in found if one.moved == "slower"]
    print(f"slower: {'; '.join(slower)}" if slower else "no row got slower")
    raise SystemExit(int(bool(slower)))


if __name__ == "__main__":
    main()
