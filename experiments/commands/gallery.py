"""`elbowroom gallery`: data sets with known answers, every method on each, and the pages of all."""

import json as json_format
import traceback
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.commands._messages import complain, loudness, note, warn
from experiments.commands._output import writable
from experiments.commands._study import On, Workers

if TYPE_CHECKING:
    from experiments.config.published import Published
    from experiments.engine.plan import Plan
    from experiments.records import StudyRecord
    from experiments.studies.found_answers import Exhibited

_SECONDS = "seconds.json"
_FINAL = ("failed", "not_finite")


def gallery(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A folder of configurations with a methods.toml. Default: the gallery that comes along."
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder in which each study gets its own.")] = Path(
        "studies/gallery"
    ),
    methods: Annotated[
        str, typer.Option(metavar="NAME,...", help="Of the gallery's methods these alone. Default: all.")
    ] = "",
    page: Annotated[
        Path | None, typer.Option(help="The folder of the pages. Default: that of the studies.")
    ] = None,
    workers: Workers = None,
    on: On = "local",
) -> None:
    """Run a gallery of studies, and write its pages: verdicts, a leaderboard, and published answers.

    Each configuration is a study of its own; running again goes on from there and computes nothing that is
    there. What one of them cannot do costs its row. Exits with 1 if a row has no result.
    """
    from experiments.engine.workers.executors import prepare

    prepare(on)

    from experiments.config.published import exhibit_files, shared_part, shipped_gallery, without_libraries
    from experiments.report.gallery.gallery_details import write_gallery

    place = folder or shipped_gallery()
    files = exhibit_files(place)
    only = [name.strip() for name in methods.split(",") if name.strip()]
    shared = shared_part(place, only)
    for why in [] if only else without_libraries(shared):
        warn(f"left out: {why}")
    writable(output)
    writable(page or output)
    shown = []
    for number, path in enumerate(files, start=1):
        warn(f"{path.stem} ({number} of {len(files)})")
        try:
            shown.append(_exhibited(path, shared, output / path.stem, workers, on))
        except KeyboardInterrupt:
            warn(f'what is done is kept in "{output}", and running again goes on from there')
            raise
    written = write_gallery(shown, page or output)
    failed = [one for one in shown if one.failure]
    print(f"Gallery: {written}, {len(files)} data sets.")
    for one in failed:
        complain(f"{one.name}: {one.failure}")
    raise typer.Exit(int(bool(failed)))


def _exhibited(path: Path, shared: dict[str, Any], folder: Path, workers: int | None, on: str) -> "Exhibited":
    """Run one study and find its answers; whatever goes wrong is its row's."""
    from experiments.config.published import read_exhibit
    from experiments.engine.runner import run
    from experiments.studies import plan_of
    from experiments.studies.found_answers import Exhibited, found_answers
    from hand_cavi import InputError

    published: Published | None = None
    record: StudyRecord | None = None
    seconds = 0.0
    try:
        exhibit = read_exhibit(path, shared)
        published = exhibit.published
        plan = plan_of(exhibit.config)
        record = _stored(plan, folder)
        began = perf_counter()
        try:
            if record is None:
                record = run(plan, folder=folder, workers=workers, progress=not loudness.quiet, on=on)
        finally:
            seconds = _spent(folder, perf_counter() - began)
        return Exhibited(path.stem, published, record, found_answers(exhibit, record), seconds=seconds)
    except InputError as error:
        failure = str(error).replace("\n", "; ")
    except Exception as error:
        note(traceback.format_exc())
        failure = f"{type(error).__name__}: {error}".replace("\n", " ")
    return Exhibited(path.stem, published, record, failure=failure, seconds=seconds)


def _stored(plan: "Plan", folder: Path) -> "StudyRecord | None":
    """Return a study that has ended: of every cell there is a result, or why a method gave none.

    What a method refused, it would refuse again; what crashed or ran out of time is tried again.
    """
    from experiments.engine.store.folder import Store
    from experiments.engine.store.whole import study_record

    if not (folder / "study.sqlite").is_file():
        return None
    with Store.open(folder, writable=False) as store:
        manifest = store.manifest()
        if manifest is None or manifest.problems != tuple(problem.entry for problem in plan.problems):
            return None
        for problem in plan.problems:
            keys = [planned.cell.key for planned in problem.cells]
            records = {key: store.cell(key) for key in keys}
            done = [key for key in keys if store.is_done(key)]
            ended = all(key in done or (one and one.status in _FINAL) for key, one in records.items())
            if not ended or not store.is_judged(problem.entry.key, done):
                return None
        return study_record(store)


def _spent(folder: Path, seconds: float) -> float:
    """Return the seconds that a study has taken in all its runs, with these, and keep them beside it."""
    from experiments.engine.store.files import write_whole

    file = folder / _SECONDS
    before = float(json_format.loads(file.read_text("utf-8"))) if file.is_file() else 0.0
    if round(seconds, 1) and folder.is_dir():
        write_whole(file, json_format.dumps(round(before + seconds, 1)).encode())
    return before + round(seconds, 1)
