"""`elbowroom fit`: CAVI alone, on a file of one's own."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._messages import warn
from experiments.commands._options import Decimal, Missing, Separator, WeightColumn
from experiments.commands._output import PICTURES, Json, print_json, writable_file, write_picture
from experiments.config.plugins import names
from experiments.engine.workers.executors import LOCAL, SERIAL
from experiments.families import AUTO, DEFAULT_WEIGHTS, ONE_COLUMN, SEVERAL_COLUMNS, TEXTBOOK

if TYPE_CHECKING:
    from experiments.commands._fitting import Model

Column = Annotated[list[str] | None, typer.Option(help="A column to use; may be repeated.")]
Family = Annotated[
    str,
    typer.Option(
        help=f"What components are: {', '.join(names('families'))}. `elbowroom list` says more of each. "
        f"{AUTO}: {ONE_COLUMN} for one column, {SEVERAL_COLUMNS} for several."
    ),
]
Weights = Annotated[
    str,
    typer.Option(
        help=f"The components' weights: {', '.join(names('weights'))}. "
        f"{AUTO}: {DEFAULT_WEIGHTS}, but fixed for {TEXTBOOK}."
    ),
]
Prior = Annotated[
    list[str] | None,
    typer.Option(
        help="FIELD=VALUE of the family's prior, such as mean=[3.5,70]; may be repeated. "
        "What is left out is scaled to the data, and said."
    ),
]
Concentration = Annotated[
    float | None, typer.Option(help="Of the weights' prior (dirichlet, stick_breaking). Default: 1.")
]
Starts = Annotated[int, typer.Option(help="Dispersed starts; the best bound wins.", min=1)]
Seed = Annotated[int, typer.Option(help="Where the starts come from.", min=0)]
Condense = StrEnum("Condense", {"AUTO": "auto", "ALWAYS": "always", "NEVER": "never"})
Ways = StrEnum("Ways", {"AUTO": "auto", "MF": "mean-field", "LR": "linear-response", "IS": "sampling"})


def fit(
    context: typer.Context,
    data: Annotated[
        Path, typer.Argument(help="A CSV, TSV, Parquet or NPY file, or a folder of Parquet files.")
    ],
    components: Annotated[int, typer.Option(help="The number of components, K.", min=1)],
    column: Column = None,
    weight_column: WeightColumn = "",
    separator: Separator = "",
    decimal: Decimal = ".",
    missing: Missing = "refuse",
    family: Family = AUTO,
    weights: Weights = AUTO,
    prior: Prior = None,
    concentration: Concentration = None,
    mean: Annotated[
        float | None, typer.Option(help="Prior mean of a component. Default: the data's.")
    ] = None,
    variance: Annotated[
        float | None,
        typer.Option(
            help=f"Prior variance of a component's mean, in {TEXTBOOK}. Default: the data's range, squared."
        ),
    ] = None,
    noise_variance: Annotated[
        float | None,
        typer.Option(help=f"Known variance about a component's mean, in {TEXTBOOK}. Default: 1."),
    ] = None,
    starts: Starts = 20,
    seed: Seed = 1,
    max_sweeps: Annotated[int, typer.Option(help="Sweeps from each start, at most.", min=1)] = 2000,
    tolerance: Annotated[
        float, typer.Option(help="Relative change of the bound that is none.", min=0)
    ] = 1e-12,
    condense: Annotated[
        Condense,
        typer.Option(
            help="Whether sweeps run on weighted points, far fewer, that stand for all. "
            "auto: from 50,000 points on (250,000 of two columns), where it pays."
        ),
    ] = Condense.AUTO,
    threads: Annotated[
        int | None,
        typer.Option(help="Of sweeps over large data; they change no digit. Default: one a core.", min=1),
    ] = None,
    accelerate: Annotated[
        bool, typer.Option("--accelerate", help="Leap along the way of the sweeps, so that fewer are needed.")
    ] = False,
    moves: Annotated[
        int | None,
        typer.Option(
            help="Split-and-merge moves to try, at most, from the best bound found; one that raises it is "
            "kept. Default: 5, and none where the data are too large to be held.",
            min=0,
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="A file that keeps every pass over the data; an interrupted fit, called again in the same "
            "way, goes on from there."
        ),
    ] = None,
    sds: Annotated[
        Ways,
        typer.Option(
            help="Standard deviations. auto: by linear response where it qualifies, else, where components "
            "overlap and the data are small, by sampling. mean-field: too small where components overlap."
        ),
    ] = Ways.AUTO,
    trace: Annotated[bool, typer.Option("--trace", help="Print the bound after every sweep.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw data and components into a .png, .svg or .pdf file.")
    ] = None,
    assignments: Annotated[
        Path | None,
        typer.Option(
            help="Write each row's component, and the probability of each, into a .csv or .parquet file; "
            "- puts them into the document of --json."
        ),
    ] = None,
    on: Annotated[
        str,
        typer.Option(
            metavar="EXECUTOR",
            help="What reads large Parquet and NPY files: local (this process), dask (a cluster of this "
            "machine), or a Dask scheduler: tcp://host:port, or its file. Its workers send sums, no rows.",
        ),
    ] = LOCAL,
    json: Json = False,
) -> None:
    """Fit a mixture to a file by CAVI: bound, components and weights."""
    from experiments.commands import _assignments
    from experiments.commands._data import open_data
    from experiments.commands._fit_tables import print_fit
    from experiments.commands._fitting import fit_file
    from experiments.commands._progress import FitProgress
    from hand_cavi import InputError, Status

    if plot is not None:
        writable_file(plot, "--plot", PICTURES)
    if table := None if assignments == Path("-") else assignments:
        writable_file(table, "--assignments", _assignments.ENDINGS, data)
        if checkpoint is not None:
            writable_file(checkpoint, "--checkpoint", (), table)
    elif assignments is not None and not json:
        raise InputError("--assignments - goes into the document of --json; give that too, or name a file")
    reading = dict(weight_column=weight_column, separator=separator, decimal=decimal, missing=missing)
    short = {"mean": mean, "variance": variance, "noise_variance": noise_variance}
    model = model_of(components, family, weights, prior, concentration, short)
    by_workers = on not in (LOCAL, SERIAL)
    if by_workers:
        from experiments.engine.workers.distributed import connected
        from experiments.engine.workers.machine import cores

        context.with_resource(connected(on, cores()))
    with FitProgress() as progress:
        progress.begins(f"reading {data.name}")
        opened = open_data(data, tuple(column or ()), family, by_workers=by_workers, **reading)
    if plot is not None:
        from experiments.report.densities import need_picture

        need_picture(model.of(opened.summary)[0])
    early = model.remarks(opened.shown, opened.n_points)
    for warning in early:
        warn(warning)
    try:
        with FitProgress() as progress:
            result = fit_file(
                opened,
                model,
                seed=seed,
                starts=starts,
                max_sweeps=max_sweeps,
                tolerance=tolerance,
                condense={"auto": "auto", "always": True, "never": False}[condense],
                threads=threads,
                checkpoint=checkpoint,
                accelerate=accelerate,
                moves="auto" if moves is None else moves,
                progress=progress,
                begins=progress.begins,
                sds=sds.value,
            )
    except KeyboardInterrupt:
        if checkpoint is None:
            raise
        warn(f'what is done is kept in "{checkpoint}", and the same command goes on from there')
        raise
    for warning in result.warnings[len(early) :]:
        warn(warning)
    if plot is not None:
        from experiments.report.figures.one_fit import fit_figure

        write_picture(plot, lambda: fit_figure(result.fit, result.data.shown, result.order))
        if result.data.is_thinned:
            warn(f"{plot} shows {len(result.data.shown.x):,} of {result.data.n_points:,} rows, evenly spaced")
    if table is not None and result.fit.status is not Status.NOT_FINITE:
        _assignments.write_assignments(result, table)
    if json:
        told = {"assignments": _assignments.table(result)} if table != assignments else {}
        print_json({**result.content(), **told})
    else:
        print_fit(result, trace)
    if result.fit.status is Status.NOT_FINITE:
        raise typer.Exit(1)


def model_of(
    components: int,
    family: str,
    weights: str,
    prior: list[str] | None,
    concentration: float | None,
    short: dict[str, float | None] | None = None,
) -> "Model":
    """Return the model that the options ask for; `short` are priors' fields with options of their own."""
    from experiments.commands._fitting import Model, assignments
    from hand_cavi import InputError

    fields = assignments(prior or [], "--prior")
    for key, value in (short or {}).items():
        if value is not None:
            if key in fields:
                raise InputError(f"both --prior and --{key.replace('_', '-')} give {key}; once is enough")
            fields[key] = value
    of_weights: dict[str, object] = {} if concentration is None else {"concentration": concentration}
    return Model(components, family, weights, fields, of_weights)
