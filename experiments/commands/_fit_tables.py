"""What `elbowroom fit` says on the terminal."""

import numpy as np

from experiments.commands._fitting import FileFit
from experiments.commands._wrapping import print_aligned, say
from experiments.datasets import Dataset
from experiments.verdict.fit_to_data import sentence

_MOST_CORRELATED = 8  # features; more correlations than these fill a screen


def print_fit(result: FileFit, trace: bool = False) -> None:
    """Print a fit for a reader."""
    fit, terms = result.fit, result.fit.elbo_terms
    say(result.data.shown.about)
    say(result.about_model)
    if result.about_prior:
        say(result.about_prior)
    at_best, number = fit.starts_at_best, len(fit.starts)
    say(f"\n{fit.status.name.lower().replace('_', ' ')} after {fit.sweeps} sweeps: {fit.status.value}")
    say(f"{at_best} of {number} starts reached this bound ({100 * at_best / number:.0f} %)")
    if given_up := result.starts_given_up:
        say(f"{given_up} of {number} were given up: their bounds rose too slowly to come to it")
    if fit.moves:
        moves = (
            "1 split-and-merge move was"
            if len(fit.moves) == 1
            else f"{len(fit.moves)} split-and-merge moves were"
        )
        say(f"{moves} tried, {result.moves_kept} kept")
    if found := fit.condensed:
        rows = "points" if result.data.shown.sample_weight is None else "rows"
        say(
            f"{found.n_points:,} {rows} condensed to {found.n_nodes:,} nodes; relative errors, "
            f"measured on all points: bound {found.elbo_error:.1g}, sums {found.sums_error:.1g}"
        )
    if said := sentence("The mixture", result.data_fit):
        say(said)
    if trace:
        say("\nsweep  ELBO")
        for sweep, elbo in enumerate(fit.elbo_trace, 1):
            say(f"{sweep:5d}  {elbo:.10g}")
    say(f"\nELBO {fit.elbo:.10g} nats")
    say(f"  {terms.log_likelihood:>16.6f}  E ln p(x | c, theta)")
    say(f"  {terms.log_assignments:>16.6f}  E ln p(c | pi)")
    say(f"  {terms.entropy:>16.6f}  H[q(c)]")
    say(f"  {-terms.kl_weights + 0.0:>16.6f}  - KL(q(pi), p(pi))")
    say(f"  {-terms.kl_components + 0.0:>16.6f}  - KL(q(theta), p(theta))")
    print()
    print_aligned(_components(result))
    if "probability" in result.figures:
        _print_categories(result)
    if "correlation" in result.figures and 1 < result.data.shown.x.shape[1] <= _MOST_CORRELATED:
        _print_correlations(result)
    print()
    widths = f"± is a posterior standard deviation, by {result.sds_by}"
    if result.sds_by != "mean field":
        say(f"{widths}; --sds mean-field shows CAVI's own")
    else:
        say(f"{widths}, which leaves out what the assignments are unsure of")
        if result.why_not and not result.cautions:
            say(f"  ({result.why_not})")
    for caution in result.cautions:
        say(f"Caution: {caution}.")


def _components(result: FileFit) -> list[list[str]]:
    """Return the table of components: points, weights unless they are fixed, and what the family says."""
    found, features = result.figures, result.data.shown.features
    unknown_weights = bool(result.fit.weights.mean_draw())
    header = ["component", "points"]
    if unknown_weights:
        header.append("weight ± sd")
    location = next((name for name in ("mean", "rate") if name in found), None)
    if location:
        n_columns = found[location].shape[1]
        names = features if len(features) == n_columns else [str(d + 1) for d in range(n_columns)]
        header += [f"{location} ± sd"] if n_columns == 1 else [f"{name}: {location} ± sd" for name in names]
    if "spread" in found:
        header += ["sd of points"] if len(features) == 1 else [f"{name}: sd of points" for name in features]
    rows = [header]
    for k in range(len(found["count"])):
        row = [str(k + 1), f"{found['count'][k]:.2f}"]
        if unknown_weights:
            row.append(f"{found['weight'][k]:.4f} ± {found['weight_sd'][k]:.4f}")
        if location:
            row += [f"{m:.6g} ± {s:.3g}" for m, s in zip(found[location][k], found["sd"][k], strict=True)]
        if "spread" in found:
            row += [f"{s:.4g}" for s in found["spread"][k]]
        rows.append(row)
    return rows


def _print_categories(result: FileFit) -> None:
    probability, sd = result.figures["probability"], result.figures["sd"]
    for d, feature in enumerate(result.data.shown.features):
        labels = labels_of(result.data.shown, d, probability.shape[2])
        print(f"\n{feature}: probability ± sd")
        rows = [["component", *labels]]
        for k in range(len(probability)):
            pairs = zip(probability[k, d], sd[k, d], strict=True)
            rows.append([str(k + 1), *(f"{p:.3f} ± {s:.3f}" for p, s in pairs)])
        print_aligned(rows)


def labels_of(data: Dataset, feature: int, n_categories: int) -> list[str]:
    """Return what the codes of a feature stand for; codes without a label stand for themselves."""
    known = data.categories[feature] if data.categories else ()
    return [known[c] if c < len(known) else f"({c})" for c in range(n_categories)]


def _print_correlations(result: FileFit) -> None:
    features = result.data.shown.features
    below = np.tril_indices(len(features), -1)
    print("\ncorrelations of the points within a component")
    rows = [["component", *(f"{features[i]}, {features[j]}" for i, j in zip(*below, strict=True))]]
    for k, matrix in enumerate(result.figures["correlation"], 1):
        rows.append([str(k), *(f"{value:.3f}" for value in matrix[below])])
    print_aligned(rows)
