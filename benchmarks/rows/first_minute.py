"""The first minute: what `benchmarks/first_minute.py` finds, held to its targets."""

from first_minute import TARGETS as TARGETS
from first_minute import rows as rows

TITLE = "The first minute"
NOTE = """Measured by `benchmarks/first_minute.py` in a fresh clone of the last commit, with a new home, a
new environment and no compiled code nor bytecode; packages come from uv's cache, the network is off. The
first row is one command, `uv run elbowroom run`; the warm one is the same command again, the store
removed. A row's seconds are of the wall clock, and follow one another; "its workers" adds up those of
both workers over all cells, in which "compiling" is only what was not compiled before in the same
process. "alone" is the judge in a process of its own, with nothing else running; its bracket is bounds on
log p(x) by annealing. In "one compilation alone", numba's share is all within its compiler, PyTensor's
what is left. The number of graphs is of cells that found nothing compiled, from the run's own records;
what is under two is one. The time of a fit is that of the process, median of eleven after one; imports
are by -X importtime, which slows them."""
