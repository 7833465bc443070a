"""`elbowroom choose`: how many components, by CAVI alone, on a file of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._messages import warn
from experiments.commands._options import Decimal, Missing, Separator, WeightColumn
from experiments.commands._output import PICTURES, Json, print_json, writable_file, write_picture
from experiments.commands._wrapping import folded, say
from experiments.commands.fit import Column, Concentration, Family, Prior, Seed, Starts, Weights, model_of
from experiments.families import AUTO

if TYPE_CHECKING:
    from experiments.studies.choosing import Candidate


def choose(
    data: Annotated[Path, typer.Argument(help="A CSV, TSV, Parquet or NPY file.")],
    components: Annotated[str, typer.Option(help="Numbers of components, such as 1-8 or 1,2,4.")],
    column: Column = None,
    weight_column: WeightColumn = "",
    separator: Separator = "",
    decimal: Decimal = ".",
    missing: Missing = "refuse",
    family: Family = AUTO,
    weights: Weights = AUTO,
    prior: Prior = None,
    concentration: Concentration = None,
    starts: Starts = 20,
    folds: Annotated[
        int | None,
        typer.Option(help="Of cross-validation, which judges prediction; 0: none. Default: 5.", min=0),
    ] = None,
    evidence: Annotated[
        bool,
        typer.Option("--evidence", help="Estimate log p(x) by sampling where it is not exact; takes longer."),
    ] = False,
    seed: Seed = 1,
    plot: Annotated[Path | None, typer.Option(help="Draw it into a .png, .svg or .pdf file.")] = None,
    json: Json = False,
) -> None:
    """Compare numbers of components on a file.

    By the ELBO, its symmetrised form, the log evidence and held-out prediction.
    """
    numbers = read_numbers(components)

    from experiments.commands._data import read
    from experiments.commands._progress import FitProgress
    from experiments.families.summary import Summary
    from experiments.posterior.held_out import FOLDS
    from experiments.records.problem import as_count
    from experiments.report.tables.series import COLUMNS, row_of
    from experiments.studies.choosing import candidates
    from hand_cavi.sources import as_source

    if plot is not None:
        writable_file(plot, "--plot", PICTURES)
    model = model_of(max(numbers), family, weights, prior, concentration)
    reading = dict(weight_column=weight_column, separator=separator, decimal=decimal, missing=missing)
    with FitProgress() as progress:
        progress.begins(f"reading {data.name}")
        read_data = read(data, tuple(column or ()), family, **reading)
    weight = read_data.sample_weight
    summary = Summary.of(as_source(read_data.x, weight))
    n_points = summary.total_weight
    if folds is None and n_points < FOLDS:
        warn(f"fewer than {FOLDS} points; prediction of held-out ones is left out")
    mixtures, abouts = zip(*(model.of(summary, k) for k in numbers), strict=True)
    for warning in model.remarks(read_data, len(read_data.x)):
        warn(warning)
    with FitProgress() as progress:

        def show(one: "Candidate") -> None:
            progress.clear()
            if one.n_components == numbers[0]:
                say(read_data.about, *([abouts[0]] if abouts[0] else []), "")
                print_row("K", [column.name for column in COLUMNS])
            row = row_of(one)
            print_row(row.head, [entry.plain for entry in row.entries])

        found = candidates(
            mixtures,
            read_data.x,
            rng=seed,
            starts=starts,
            folds=(FOLDS if n_points >= FOLDS else 0) if folds is None else folds,
            sampled_evidence=evidence,
            sample_weight=weight,
            begins=progress.begins,
            **({} if json else {"found_one": show}),
        )
    if plot is not None:
        from experiments.report.figures.number_of_components import choosing_figure

        write_picture(plot, lambda: choosing_figure(found))
    if json:
        about = {"data": read_data.about, "n": as_count(n_points), "rows": len(read_data.x)}
        print_json({**about, "dropped": len(read_data.dropped), "prior": abouts[0], **_content(found)})
        return
    _print_conclusion(found)


def read_numbers(text: str) -> list[int]:
    """Read "1-8", "3" or "1,2,4".

    Raises InputError if it is none of these, or names a number below 1 or twice.
    """
    from hand_cavi import InputError
    from hand_cavi.inputs import refuse_beyond_memory

    numbers: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.partition("-")
            ends = [int(first), int(last)] if dash else [int(first)]
            refuse_beyond_memory(2 * max(ends) ** 2, f"mixtures of {max(ends)} components")
            numbers += range(ends[0], ends[-1] + 1)
    except InputError:
        raise
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1 or len(set(numbers)) < len(numbers):
        raise InputError(
            f'--components "{text}" cannot be read; write such as 1-8 or 1,2,4, each number once'
        )
    return numbers


def _content(found: "list[Candidate]") -> dict[str, object]:
    from experiments.studies.choosing import conclusion

    names = ["elbo", "symmetrised", "symmetry_se", "held_out", "held_out_se", "behind", "behind_se"]
    names += ["occupied", "cautions", "starts", "starts_at_best"]
    return {
        "candidates": [
            {
                "components": one.n_components,
                **{name: getattr(one, name) for name in names},
                "log_evidence": one.evidence.value if one.evidence else None,
                "log_evidence_se": one.evidence.standard_error if one.evidence else None,
                "log_evidence_note": one.no_evidence or None,
            }
            for one in found
        ],
        "conclusion": conclusion(found),
    }


def print_row(number: str, words: list[str]) -> None:
    """Print a row at once, before it is known which will be the widest."""
    print(folded(words, 18, f"{number:>3}"), flush=True)


def _print_conclusion(found: "list[Candidate]") -> None:
    """Print what is known in the end: distances from the best, missing figures, cautions, a conclusion."""
    from experiments.report.style.numbers import with_error
    from experiments.studies.choosing import conclusion

    print()
    for one in found:
        if one.behind:
            behind = with_error(one.behind, one.behind_se).plain
            say(f"Held out, K = {one.n_components} against the best: {behind} nats a point")
    for reason in dict.fromkeys(one.no_evidence for one in found if one.no_evidence):
        numbers = [str(one.n_components) for one in found if one.no_evidence == reason]
        say(f"No log p(x) at K = {', '.join(numbers)}: {reason}")
    for one in found:
        for caution in one.cautions:
            say(f"Caution, K = {one.n_components}: {caution}.")
    say(*conclusion(found))
