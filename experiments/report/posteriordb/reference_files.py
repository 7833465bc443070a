"""A study's qualified references as the files of a posteriordb database."""

import json
import platform
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.engine.code_version import package_version
from experiments.methods.own.variables import entries
from experiments.posterior.draws import are_independent, as_chains
from experiments.posterior.quantities import stored_quantities
from experiments.records import Problem, ProblemRecord, StudyRecord
from experiments.relabel import pivot_of, relabel
from experiments.report.outcomes import page_names, title_of
from experiments.report.posteriordb.draw_checks import (
    AUTOCORRELATION,
    DRAWS,
    checks,
    diagnostics,
    lag_1,
    summary,
)
from experiments.report.posteriordb.stan_names import by_stan_name, dimensions_of
from hand_cavi import InputError

if TYPE_CHECKING:
    import xarray as xr

Files = dict[str, bytes]
"""Contents by their paths in the database."""

_SUMMARIES = {"mean_value": 1, "mean_squared_value": 2}
_STAMP = (1980, 1, 1, 0, 0, 0)  # of what lies in a zip file, so that equal draws are equal bytes


def why_not(problem: ProblemRecord) -> str | None:
    """Return why a problem has no reference draws to be given away, in a sentence; None if it has."""
    if problem.details is not None:
        return f"{problem.model}: a calibration has no reference"
    if not problem.reference.qualified:
        return f"{title_of(problem)}: the reference does not qualify: {problem.reference.reason}"
    if problem.reference.draws is None:
        return f"{title_of(problem)}: the reference, {problem.reference.method}, gives log p(x) but no draws"
    return None


def files_of_study(record: StudyRecord, *, on: date | None = None) -> Files:
    """Return the files of every problem of a study whose reference qualified.

    The date, of today if it is not given, is that which the files say.
    """
    found: Files = {}
    for problem, name in zip(record.problems, page_names(record), strict=True):
        if why_not(problem) is None:
            found |= dict(_files_of(record, problem, name, (on or date.today()).isoformat()))
    return found


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a new folder; all of them or none.

    Raises InputError if the folder is there already, or cannot be written.
    """
    if folder.exists():
        raise InputError(f'"{folder}" is there already; name a new folder by --to, or remove it')
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
            top = Path(made) / "database"
            for path, content in files.items():
                file = top / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            top.rename(folder)
    except OSError as error:
        raise InputError(f'"{folder}" cannot be written: {error.strerror}; name another by --to') from None


def _files_of(record: StudyRecord, problem: ProblemRecord, name: str, on: str) -> Iterator[tuple[str, bytes]]:
    reference, dataset = problem.reference, problem.dataset if problem.problem else problem.model
    assert reference.draws is not None
    independent = are_independent(reference.draws)
    tree, how_named = _named(problem.problem, reference.draws)
    chains = _written(tree)
    draws = by_stan_name(chains)
    told = diagnostics(draws, as_chains(tree, "sample_stats"), independent=independent)
    made = checks(told)
    unmet = [one for one, met in made.items() if not met]
    added = {"added_by": f"elbowroom {package_version()}".strip(), "added_date": on}
    comments = (
        f"{how_named} {reference.reason[:1].upper()}{reference.reason[1:]}. All draws that were kept are "
        f"here, not thinned further; of posteriordb's checks {', '.join(unmet) if unmet else 'none'} "
        f"{'are' if len(unmet) > 1 else 'is'} not met."
    )
    info = {
        "name": name,
        "inference": _inference(record, problem, told, independent),
        "diagnostics": told,
        "checks_made": made,
        "comments": comments,
        **added,
        "versions": _versions(record),
    }
    sizes = {variable: int(np.prod(dimensions_of(values))) for variable, values in chains.items()}
    yield from _about(problem, name, dataset, sizes, added)
    top = "reference_posteriors/draws"
    yield f"{top}/info/{name}.info.json", _json(info)
    parts = [{one: values[c].tolist() for one, values in draws.items()} for c in range(told["nchains"])]
    yield f"{top}/draws/{name}.json.zip", _zipped(f"{name}.json", _json(parts, indent=None))
    yield from _summaries(info, draws, name, independent)


def _written(tree: "xr.DataTree") -> dict[str, np.ndarray]:
    """Return what is written of draws, (C, M, ...): their variables, or the quantities that were compared.

    Of a model of one's own these are what qualified; they are left out if they are its variables' entries.
    """
    chains = as_chains(tree)
    if "quantities" not in tree.children:
        return chains
    compared = stored_quantities(tree)
    return chains if set(compared) == set(entries(chains)) else compared


def _named(problem: Problem | None, tree: "xr.DataTree") -> tuple["xr.DataTree", str]:
    """Return draws whose components have the same names in all of them, and how that was done."""
    if problem is None:
        return (
            tree,
            "What is written is what was compared: the model's variables, or its own quantities of them.",
        )
    if problem.mixture.n_components == 1:
        return tree, "There is one component, and nothing to relabel."
    named = relabel(tree, problem=problem, pivot=pivot_of(problem, tree))
    share = float(named.attrs["ambiguous_share"])
    return named, (
        f"Components were relabelled by the method {named.attrs['relabel_method']} (allocation "
        "probabilities against those of the draw of highest posterior density; component 1 holds the "
        f"smallest values of the first feature); the naming of {share:.1%} of the draws is ambiguous."
    )


def _inference(
    record: StudyRecord, problem: ProblemRecord, told: Mapping[str, Any], independent: bool
) -> dict[str, Any]:
    """Return how the draws were made: by exact simulation, PyMC's NUTS, or Gibbs sampling."""
    if independent:
        return {"method": "analytical", "method_arguments": {"reference": problem.reference.method}}
    cell = next((one for one in problem.cells if one.cell.key == problem.reference_cell), None)
    asked = {} if cell is None else _asked(record, cell.cell.method)
    warmup = asked.get("tune", None if cell is None else cell.info.get("tune"))
    n_draws = told["ndraws"] // told["nchains"]
    by = problem.reference
    method = "pymc_sampling" if told["divergent_transitions"] is not None else "gibbs_sampling"
    return {
        "method": method,
        "method_arguments": {
            "chains": told["nchains"],
            "iter": None if not isinstance(warmup, int) else warmup + n_draws,
            "warmup": warmup,
            "thin": asked.get("thin", by.quality.get("thin", 1)),
            "seed": record.seed,
            "sampler": (cell.told.sampler if cell else "") or by.called or by.method,
        },
    }


def _asked(record: StudyRecord, method: str) -> dict[str, Any]:
    """Return the options that a study's configuration gives a method."""
    entries = tomllib.loads(record.config).get("methods", ())
    return next((dict(entry) for entry in entries if entry.get("name") == method), {})


def _about(
    problem: ProblemRecord, name: str, dataset: str, sizes: Mapping[str, int], added: Mapping[str, str]
) -> Iterator[tuple[str, bytes]]:
    """Yield what tells of the posterior, its model and its data, and the data where the study has them."""
    about = {"keywords": ["elbowroom", *(["mixture model"] if problem.problem else [])], "urls": []}
    posterior = {
        "name": name,
        **about,
        "model_name": problem.model,
        "data_name": dataset,
        "reference_posterior_name": name,
        "references": [],
        "dimensions": sizes,
        **added,
    }
    yield f"posteriors/{name}.json", _json(posterior)
    texts = {"title": problem.model, "description": problem.about_model}
    model = {"name": problem.model, **about, **texts, "references": [], "model_implementations": {}, **added}
    yield f"models/info/{problem.model}.info.json", _json(model)
    file = f"data/data/{dataset}.json" if problem.problem else None
    texts = {"title": dataset, "description": problem.about_data}
    data = {"name": dataset, **about, **texts, "data_file": file, "references": [], **added}
    yield f"data/info/{dataset}.info.json", _json(data)
    if problem.problem is not None:
        yield f"{file}.zip", _zipped(f"{dataset}.json", _json(_data(problem.problem)))


def _data(problem: Problem) -> dict[str, Any]:
    """Return the data by the formula's names: N rows x of D features, weights if there are any."""
    x = problem.x[:, 0] if problem.x.shape[1] == 1 else problem.x
    found: dict[str, Any] = {"N": len(problem.x), "D": problem.x.shape[1], "x": x.tolist()}
    if problem.sample_weight is not None:
        found["weight"] = problem.sample_weight.tolist()
    return found


def _summaries(
    info: Mapping[str, Any], draws: Mapping[str, np.ndarray], name: str, independent: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield the means of the parameters and of their squares, with their Monte-Carlo standard errors."""
    told, made = dict(info["diagnostics"]), dict(info["checks_made"])
    made = {"ndraws_is_gte_10k": told["ndraws"] >= DRAWS} | {
        k: v for k, v in made.items() if k != "ndraws_is_10k"
    }
    if not independent:
        told["mean_lag1_ac"] = lag_1(draws)
        low = all(one is not None and abs(one) < AUTOCORRELATION for one in told["mean_lag1_ac"])
        made["abs_mean_lag1_ac_below_0_05"] = low
    for what, power in _SUMMARIES.items():
        mean, error = summary(draws, power, independent=independent)
        top = f"reference_posteriors/summary_statistics/{what}"
        yield f"{top}/info/{name}.info.json", _json({**info, "diagnostics": told, "checks_made": made})
        yield f"{top}/{what}/{name}.json", _json({"names": list(draws), what: mean, "mcse_mean": error})


def _versions(record: StudyRecord) -> dict[str, str]:
    libraries = ", ".join(f"{name}=={version}" for name, version in record.versions.items())
    named = {"elbowroom_version": package_version(), "pymc_version": record.versions.get("pymc", "")}
    return {**named, "python_version": platform.python_version(), "python_environment": libraries}


def _json(content: object, indent: int | None = 2) -> bytes:
    return (json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _zipped(name: str, content: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
