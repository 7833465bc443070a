"""An identifiability constraint: components sorted by one entry of their location (docs/relabelling.md)."""

import numpy as np

from experiments.relabel.evidence import Evidence, Naming
from hand_cavi import InputError


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs parameters alone."""
    values = evidence.location
    n_entries = values.shape[2]
    if not 0 <= evidence.feature < n_entries:
        raise InputError(
            f"feature={evidence.feature} must be from 0 to {n_entries - 1}, an entry of the location"
        )
    return Naming(np.argsort(values[:, :, evidence.feature], axis=1, kind="stable"))
