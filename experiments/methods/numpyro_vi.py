"""Variational inference in NumPyro: Gaussian guides, a Laplace approximation, or a normalising flow.

Several of one study need names of their own: ``name = "numpyro_flow"``, ``kind = "numpyro_vi"``.
"""

from functools import partial
from typing import Any, Literal

from pydantic import Field, model_validator

from experiments.methods._advi import SearchSettings, as_fitted, of_run
from experiments.methods.compiled_models import compiled_with_jax
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.starts import Starts
from experiments.records.result import Fitted

LIBRARIES = ("jax", "numpyro")
EXTRA = "numpyro"

_RATES_OF_FLOW = {"learning_rate": 0.01, "final_learning_rate": 0.001}


class Settings(SearchSettings):
    """Options of NumPyro's variational inference."""

    guide: Literal["mean_field", "full_rank", "low_rank", "laplace", "flow"] = Field(
        "mean_field",
        description=(
            "what q is: a Gaussian of diagonal, full or low-rank covariance, the Laplace approximation "
            "at the mode, or an inverse autoregressive flow, whose learning rates are by default a tenth"
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _slower_for_a_flow(cls, values: Any) -> Any:
        """Give a flow a tenth of the rates, which its weights bear."""
        flows = isinstance(values, dict) and values.get("guide") == "flow"
        return _RATES_OF_FLOW | values if flows else values


def fit(
    target: MixtureTarget, settings: Settings, *, starts: Starts, seed: int, brief: bool = False
) -> Fitted:
    """Fit a guide; briefly, with few and cheap estimates of the bound."""
    from ppl_baselines.numpyro import vi

    compiled = compiled_with_jax(vi.prepare, target, guide=settings.guide)
    given = starts.parameters(settings.starts)
    result = vi.run(compiled.prepared, given, seed=seed, **of_run(settings, brief))
    coordinates = "NumPyro's coordinates"
    return as_fitted(
        result, compiled, settings.guide, settings, language="numpyro", backend="jax", coordinates=coordinates
    )


fit_briefly = partial(fit, brief=True)
