"""Seeds by axis: every random stream of a study descends from its root seed by the names of what it is for.

Its path, such as ("data", dataset, repeat), is hashed into the spawn key of a numpy SeedSequence. So adding a
method, a data set or a repeat changes no other stream.
"""

import hashlib

import numpy as np


def sequence(root: int, *path: str | int) -> np.random.SeedSequence:
    """Return the seed sequence of a path of names under a root seed."""
    spelt = "".join(f"{len(str(part))}:{part}," for part in path)  # netstrings: no two paths spell alike
    digest = hashlib.sha256(spelt.encode()).digest()
    return np.random.SeedSequence(root, spawn_key=tuple(np.frombuffer(digest, dtype="<u4").tolist()))


def generator(root: int, *path: str | int) -> np.random.Generator:
    """Return the generator of a path of names under a root seed."""
    return np.random.default_rng(sequence(root, *path))


def integer(root: int, *path: str | int) -> int:
    """Return a seed below 2^32 for libraries that want a whole number."""
    return int(sequence(root, *path).generate_state(1)[0])
