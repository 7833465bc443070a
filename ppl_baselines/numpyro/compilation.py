"""Whether compiling found everything in JAX's cache."""

from pathlib import Path

import jax

from ppl_baselines.pymc import compilation


class CacheWatch(compilation.CacheWatch):
    """Counts what compiling adds to JAX's compile cache, as `ppl_baselines.pymc.compilation.CacheWatch` does.

    Where JAX keeps none (``JAX_COMPILATION_CACHE_DIR`` is not set), it is never warm.
    """

    def __init__(self) -> None:
        folder = jax.config.jax_compilation_cache_dir
        self._kept = bool(folder)
        super().__init__(Path(folder or "no cache"))

    @property
    def warm(self) -> bool:
        """Whether everything was found in the cache."""
        return self._kept and super().warm
