"""What posteriordb tells of reference draws, and the checks that it makes of them.

Its draws are 10 chains of 1,000, thinned until they are as good as independent. Ours are all that the
reference kept, so that a check may come out as false; what each says is what these draws are.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.posterior.draws import e_fmi, effective_sample_size, mean_and_error, r_hat

DRAWS = 10_000
CHAINS = 4
R_HAT = 1.01
E_FMI = 0.2
AUTOCORRELATION = 0.05

_ESS_SDS = 4 * np.sqrt(7)  # `ess_bounds` of its R package: S +- 4 sqrt(7) sqrt(S)


def diagnostics(
    draws: Mapping[str, np.ndarray], stats: Mapping[str, np.ndarray], *, independent: bool
) -> dict[str, Any]:
    """Return posteriordb's diagnostics of draws by Stan's name, each (C, M).

    Of independent draws there are no more than their numbers. The statistics are a sampler's, each (C, M);
    what one does not state is None.
    """
    names, values = list(draws), np.stack(list(draws.values()), axis=-1)
    n_chains, n_draws = values.shape[:2]
    found: dict[str, Any] = {
        "diagnostic_information": {"names": names},
        "ndraws": n_chains * n_draws,
        "nchains": n_chains,
    }
    if independent:
        return found
    diverging, energy = stats.get("diverging"), stats.get("energy")
    return found | {
        "effective_sample_size_bulk": _listed(effective_sample_size(values)),
        "effective_sample_size_tail": _listed(effective_sample_size(values, tail=True)),
        "r_hat": _listed(r_hat(values)),
        "divergent_transitions": None if diverging is None else diverging.sum(axis=1).astype(int).tolist(),
        "expected_fraction_of_missing_information": None if energy is None else _listed(e_fmi(energy)),
    }


def checks(found: Mapping[str, Any]) -> dict[str, bool]:
    """Return posteriordb's checks of draws, by its names, from their diagnostics."""
    n_draws = found["ndraws"]
    made = {"ndraws_is_10k": n_draws == DRAWS, "nchains_is_gte_4": found["nchains"] >= CHAINS}
    if "r_hat" not in found:
        return made
    sizes = [*found["effective_sample_size_bulk"], *found["effective_sample_size_tail"]]
    off = _ESS_SDS * np.sqrt(n_draws)
    made["ess_within_bounds"] = all(one is not None and abs(one - n_draws) <= off for one in sizes)
    made["r_hat_below_1_01"] = all(one is not None and one < R_HAT for one in found["r_hat"])
    if (fractions := found["expected_fraction_of_missing_information"]) is not None:
        made["efmi_above_0_2"] = all(one is not None and one > E_FMI for one in fractions)
    return made


def lag_1(draws: Mapping[str, np.ndarray]) -> list[float | None]:
    """Return the mean over chains of the autocorrelation at lag 1, by parameter."""
    values = np.stack(list(draws.values()), axis=-1)
    centred = values - values.mean(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _listed(
            ((centred[:, 1:] * centred[:, :-1]).sum(axis=1) / (centred**2).sum(axis=1)).mean(axis=0)
        )


def summary(draws: Mapping[str, np.ndarray], power: int, *, independent: bool) -> tuple[list[Any], list[Any]]:
    """Return the means of a power of each parameter, and their Monte-Carlo standard errors."""
    mean, error = mean_and_error(np.stack(list(draws.values()), axis=-1) ** power, independent=independent)
    return _listed(mean), _listed(error)


def _listed(values: np.ndarray) -> list[Any]:
    """Return numbers, None in place of what is not finite: JSON has no NaN."""
    return [float(one) if np.isfinite(one) else None for one in values]
