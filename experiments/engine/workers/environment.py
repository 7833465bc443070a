"""What a worker process needs in its environment before it imports numpy and PyMC. Imports neither.

One thread each, so that workers do not fight over cores and wall times mean something; and a compile cache of
its own, because a worker that is killed while it writes could spoil a cache that others read. What is whole
there is taken over: `experiments.methods.shared_compiling`.
"""

import os
from pathlib import Path

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "PJRT_NPROC",
)


def environment(cache_folder: Path) -> dict[str, str]:
    """Return the variables to add to a worker's environment.

    Parameters
    ----------
    cache_folder : Path
        Where this worker, and no other at the same time, keeps compiled code. PyTensor keeps numba's and C's
        there, JAX its programs.

    Returns
    -------
    dict of str to str
        The user's own ``PYTENSOR_FLAGS`` are kept, but for the folder, of which the last mention counts.
    """
    folder = Path(cache_folder).absolute()
    compile_folder = str(folder / "pytensor").replace("\\", "\\\\").replace('"', '\\"')
    flags = [os.environ.get("PYTENSOR_FLAGS", ""), f'base_compiledir="{compile_folder}"']
    return {
        **dict.fromkeys(THREADS, "1"),
        "PYTENSOR_FLAGS": ",".join(filter(None, flags)),
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS", "cpu"),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",  # all, so that warm is warm
    }
