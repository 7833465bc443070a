"""Where data come from: blocks of rows that can be read again and again.

A fit reads its data once a sweep and holds a few blocks at most. So a source is anything that can be asked
for its blocks more than once: an array or a memory map (one block, of which nothing is copied), an .npy file
(mapped into memory), Parquet files (their row groups, one after the other), what Dask holds or is to compute
(its parts, summed where they are), or an object of one's own, a `Source` with `n_points`, `n_features` and
`blocks()`.
"""

from hand_cavi.sources.array import ArraySource, open_npy
from hand_cavi.sources.base import Block, Source
from hand_cavi.sources.distributed import DistributedSource, on_workers
from hand_cavi.sources.opening import as_source
from hand_cavi.sources.parquet import ParquetSource, open_parquet

__all__ = [
    "ArraySource",
    "Block",
    "DistributedSource",
    "ParquetSource",
    "Source",
    "as_source",
    "on_workers",
    "open_npy",
    "open_parquet",
]
