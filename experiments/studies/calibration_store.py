"""A calibration on disk: one small JSON file a batch, whole or absent, named by what it depends on.

::

    <folder>/batches/<content key>.json

A file says whether its batch ended ``ok``; one that failed or crashed keeps its message, for people to read,
and is computed again by the next run. Floats are written in full.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from experiments.calibration.task import Batch, Ranks
from experiments.engine.store.files import clear_errors, lock, remove_parts, write_whole
from experiments.engine.store.jsonable import describe
from experiments.engine import fingerprint
from experiments.studies.tasks import method_code
from hand_cavi import InputError


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """Hold a calibration's folder while writing to it; gives the folder of its batches.

    Raises
    ------
    InputError
        If it cannot be written to, or another run is writing there.
    """
    batches = folder / "batches"
    with clear_errors("write to", folder):
        batches.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = lock(folder / "calibration.lock")
        except BlockingIOError:
            raise InputError(
                f"another run is writing to the calibration in {folder}; wait for it to end, or give this "
                "one another folder"
            ) from None
    try:
        remove_parts(batches)
        yield batches
    finally:
        os.close(descriptor)


def key_of(batch: Batch) -> str:
    """Return the content key of a batch: the sha256 of all that its ranks depend on."""
    return fingerprint.content_key(
        {
            "model": batch.model,
            "method": batch.method,
            "mixture": describe(batch.mixture),
            "points": batch.points,
            "kind": batch.kind,
            "settings": batch.settings.model_dump(mode="json"),
            "seed": batch.seed,
            "first": batch.first,
            "size": batch.size,
            "draws": batch.draws,
            "quantities": list(batch.kinds),
            "code": [method_code("methods", batch.kind), fingerprint.code("experiments.calibration.task")],
            "versions": fingerprint.versions(),
        }
    )


def put(batches: Path, key: str, batch: Batch, ranks: Ranks) -> None:
    """Keep what came of a batch."""
    content = {
        "status": "ok",
        **_identity(batch),
        "quantities": list(ranks.quantities),
        "places": [[None if np.isnan(u) else u for u in row] for row in ranks.ranks.tolist()],
        "ranked": ranks.n_draws.tolist(),
        "refused": {str(number): why for number, why in ranks.refused.items()},
        "failed": {str(number): why for number, why in ranks.failed.items()},
        "seconds": ranks.seconds,
        "processor_seconds": ranks.processor_seconds,
    }
    _write(batches, key, content)


def put_trouble(batches: Path, key: str, batch: Batch, status: str, message: str) -> None:
    """Keep how a batch came to nothing."""
    _write(batches, key, {"status": status, "message": message, **_identity(batch)})


def get(batches: Path, key: str) -> Ranks | None:
    """Return what came of a batch; None if it is not there, or came to nothing, or cannot be read."""
    try:
        content = json.loads((batches / f"{key}.json").read_bytes())
        if content["status"] != "ok":
            return None
        return Ranks(
            tuple(content["quantities"]),
            np.array(content["places"], dtype=np.float64).reshape(len(content["ranked"]), -1),
            np.array(content["ranked"], dtype=int),
            {int(number): why for number, why in content["refused"].items()},
            {int(number): why for number, why in content["failed"].items()},
            content["seconds"],
            content["processor_seconds"],
        )
    except (OSError, ValueError, KeyError, TypeError):  # absent, or damaged: it is computed again
        return None


def _identity(batch: Batch) -> dict[str, Any]:
    """Return what tells people which batch it is."""
    return {"model": batch.model, "method": batch.method, "first": batch.first, "size": batch.size}


def _write(batches: Path, key: str, content: dict[str, Any]) -> None:
    with clear_errors("write to", batches.parent):
        write_whole(batches / f"{key}.json", json.dumps(content, allow_nan=False).encode())
