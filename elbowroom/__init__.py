"""All that elbowroom offers in Python, under one name; each thing is imported when it is first used.

`fit` fits a mixture by CAVI and needs numpy and scipy alone. `compare` holds CAVI, ADVI and NUTS against a
reference, `choose` compares numbers of components, `check` looks for mistakes in a hand-derived model,
`calibrate` asks whether posteriors are as wide as they claim, and `load` opens a study that was run before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.checks import check
    from experiments.interactive.calibrate import calibrate
    from experiments.interactive.choose import choose
    from experiments.interactive.compare import compare
    from experiments.interactive.load import load
    from experiments.references import log_evidence
    from experiments.relabel import relabel
    from hand_cavi import (
        DirichletCategorical,
        DirichletWeights,
        FixedWeights,
        GammaPoisson,
        InputError,
        Mixture,
        NormalGamma,
        NormalKnownVariance,
        NormalWishart,
        StickBreaking,
        fit,
        fit_many,
    )
    from hand_cavi.estimators import BayesianMixture

    __version__: str

__all__ = [
    "BayesianMixture",
    "DirichletCategorical",
    "DirichletWeights",
    "FixedWeights",
    "GammaPoisson",
    "InputError",
    "Mixture",
    "NormalGamma",
    "NormalKnownVariance",
    "NormalWishart",
    "StickBreaking",
    "__version__",
    "calibrate",
    "check",
    "choose",
    "compare",
    "fit",
    "fit_many",
    "load",
    "log_evidence",
    "relabel",
]

_ELSEWHERE = {
    "BayesianMixture": "hand_cavi.estimators",
    "calibrate": "experiments.interactive.calibrate",
    "check": "experiments.checks",
    "choose": "experiments.interactive.choose",
    "compare": "experiments.interactive.compare",
    "load": "experiments.interactive.load",
    "log_evidence": "experiments.references",
    "relabel": "experiments.relabel",
}
"""Where names lie that are not those of `hand_cavi`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'elbowroom' has no attribute '{name}'")
    if name == "__version__":
        thing: Any = import_module("experiments.engine.code_version").package_version()
    else:
        try:
            thing = getattr(import_module(_ELSEWHERE.get(name, "hand_cavi")), name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in ("elbowroom", "experiments", "hand_cavi"):
                raise
            extra = "sklearn" if name == "BayesianMixture" else "compare"
            raise ModuleNotFoundError(
                f'elbowroom.{name} needs {error.name}; install it with: pip install "elbowroom[{extra}]"',
                name=error.name,
            ) from None
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return __all__
