"""`elbowroom fit`: CAVI alone, on a file of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._output import Json, print_json, warn, write_picture

if TYPE_CHECKING:
    from experiments.commands._quick import QuickFit


def fit(
    data: Annotated[Path, typer.Argument(help="A CSV, TSV, Parquet or NPY file.")],
    components: Annotated[int, typer.Option(help="The number of components, K.", min=1)],
    column: Annotated[list[str] | None, typer.Option(help="A column to use; may be repeated.")] = None,
    mean: Annotated[
        float | None, typer.Option(help="Prior mean of a component. Default: the data's.")
    ] = None,
    variance: Annotated[
        float | None,
        typer.Option(help="Prior variance of a component's mean. Default: the data's range, squared."),
    ] = None,
    noise_variance: Annotated[
        float | None, typer.Option(help="Known variance about a component's mean. Default: 1.")
    ] = None,
    starts: Annotated[int, typer.Option(help="Dispersed starts; the best bound wins.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Where the starts come from.", min=0)] = 1,
    max_sweeps: Annotated[int, typer.Option(help="Sweeps from each start, at most.", min=1)] = 2000,
    tolerance: Annotated[
        float, typer.Option(help="Relative change of the bound that is none.", min=0)
    ] = 1e-12,
    trace: Annotated[bool, typer.Option("--trace", help="Print the bound after every sweep.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the clusters into a .png, .svg or .pdf file.")
    ] = None,
    json: Json = False,
) -> None:
    """Fit a mixture to a file by CAVI: bound, means and counts."""
    from experiments.commands._quick import quick_fit
    from hand_cavi import InputError, Status

    result = quick_fit(
        data,
        tuple(column or ()),
        components,
        mean=mean,
        variance=variance,
        noise_variance=noise_variance,
        starts=starts,
        seed=seed,
        max_sweeps=max_sweeps,
        tolerance=tolerance,
    )
    for warning in result.warnings:
        warn(warning)
    if plot is not None:
        if result.data.x.shape[1] != 1:
            raise InputError("--plot draws one column; the fit is to several, so leave it out")
        write_picture(plot, result.picture)
    if json:
        print_json(result.summary())
    else:
        _print(result, trace)
    if result.fit.status is Status.NOT_FINITE:
        raise typer.Exit(1)


def _print(result: "QuickFit", trace: bool) -> None:
    fit, terms = result.fit, result.fit.elbo_terms
    print(result.data.about)
    print(result.about_model)
    if result.about_prior:
        print(result.about_prior)
    at_best = result.starts_at_best
    print(f"\n{fit.status.name.lower().replace('_', ' ')} after {fit.sweeps} sweeps: {fit.status.value}")
    print(f"{at_best} of {len(fit.starts)} starts reached this bound")
    if trace:
        print("\nsweep  ELBO")
        for sweep, elbo in enumerate(fit.elbo_trace, 1):
            print(f"{sweep:5d}  {elbo:.10g}")
    print(f"\nELBO {fit.elbo:.10g} nats")
    print(f"  {terms.log_likelihood:>16.6f}  E ln p(x | c, theta)")
    print(f"  {terms.log_assignments:>16.6f}  E ln p(c | pi)")
    print(f"  {terms.entropy:>16.6f}  H[q(c)]")
    print(f"  {-terms.kl_weights + 0.0:>16.6f}  - KL(q(pi), p(pi))")
    print(f"  {-terms.kl_components + 0.0:>16.6f}  - KL(q(theta), p(theta))")
    print("\ncomponent       points  mean ± sd")
    for k, component in enumerate(result.components(), 1):
        means = ", ".join(f"{m:.6g}" for m in component["mean"])
        print(f"{k:9d} {component['count']:12.2f}  {means} ± {component['sd']:.3g}")
