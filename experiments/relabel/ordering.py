"""An identifiability constraint: components sorted by one entry of their location, such as mu_1 < mu_2 < ...

The oldest way, and enough where that entry tells all components apart. Where it does not, sorting cuts
through modes and makes the components look more different than they are (Celeux, Hurn & Robert 2000; Jasra,
Holmes & Stephens 2005): the share of ambiguous draws warns of that.
"""

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
