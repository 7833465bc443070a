"""Studies of a gallery: data with what others found in them, and the methods that are the same for all.

A folder of configurations has besides its studies a file `methods.toml`, whose ``[[methods]]`` and tables
stand for those that each study would have. A study has a table ``[published]``, which no other study has.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from experiments.config.complaints import Complaints, stop_at, validated
from experiments.config.kinds import kind_of
from experiments.config.options import Options
from experiments.config.plugins import did_you_mean, find, folder_of, names, refuse_without_libraries
from experiments.config.reading import Config, parse_config
from experiments.config.writing import written
from hand_cavi import InputError
from hand_cavi.inputs import as_file

SHARED = "methods.toml"

Figure = Literal["means", "weights", "quantities", "log_evidence", "components", "misplaced"]


class Answer(Options):
    """Published figures, and what is set beside them."""

    what: str = Field(min_length=1, description="what a reader calls them")
    figure: Figure = Field(
        description="means or weights of components, sorted by their first feature's mean; quantities of a "
        "model of one's own, by name; log_evidence; components, how many have the highest bound; misplaced, "
        "points in another cluster than their class"
    )
    values: tuple[float, ...] = Field(min_length=1, description="as published")
    within: tuple[float, ...] = Field(
        default=(), description="how far ours may be from them; without, nothing is expected"
    )
    entries: tuple[int, ...] = Field(default=(), description="which of all means or weights, from 1")
    names: tuple[str, ...] = Field(default=(), description="of quantities")
    column: str = Field(default="", description="of misplaced: the file's column of classes")
    most: int = Field(default=3, ge=2, description="of components: how many are tried")


class Published(Options):
    """What is known of data: what they are, where these numbers come from, and what others found."""

    data: str = Field(min_length=1, description="what was measured, by whom, and where it was published")
    provenance: str = Field(min_length=1, description="where these numbers are from")
    by: str = Field(min_length=1, description="who found the answers, and how")
    why: str = Field(default="", description="why ours differ, where they do")
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Exhibit:
    """A study of a gallery, and what is known of its data."""

    config: Config
    published: Published


def shipped_gallery() -> Path:
    """Return the gallery's folder: in an installed package inside of it, in a checkout at its root."""
    inside = folder_of("experiments") / "shipped"
    return (inside if inside.is_dir() else inside.parents[1]) / "configs" / "gallery"


def exhibit_files(folder: Path) -> list[Path]:
    """Return the studies of a gallery, in alphabetical order.

    Raises InputError if there are none, or nothing that says by which methods.
    """
    found = sorted(path for path in folder.glob("*.toml") if path.name != SHARED)
    if not found or not (folder / SHARED).is_file():
        what = f"no {SHARED}" if found else "no configurations"
        raise InputError(f'"{folder}" is no gallery: it has {what}; see configs/gallery')
    return found


def shared_part(folder: Path, only: Sequence[str] = ()) -> dict[str, Any]:
    """Return what is the same for all studies of a gallery; of its methods only these, if any are named.

    Raises InputError if the file is no TOML, or has no method of such a name.
    """
    values = _read(folder / SHARED)
    there = [entry.get("name") for entry in values.get("methods", ())]
    for name in only:
        if name not in there:
            hint = did_you_mean(name, [str(one) for one in there])
            raise InputError(
                f'the gallery has no method "{name}"{hint}; there are {", ".join(map(str, there))}'
            )
    if only:
        values["methods"] = [entry for entry in values["methods"] if entry["name"] in only]
    return values


def without_libraries(values: dict[str, Any]) -> list[str]:
    """Take out the methods whose libraries are not installed; return why, a sentence each."""
    kept, why = [], []
    for entry in values.get("methods", ()):
        kind = entry.get("kind", entry["name"])
        try:
            refuse_without_libraries(entry["name"], find("methods", kind))
            kept.append(entry)
        except InputError as error:
            why.append(str(error))
    values["methods"] = kept
    return why


def read_exhibit(path: Path, shared: dict[str, Any]) -> Exhibit:
    """Read a study of a gallery.

    Raises InputError with one line for each fault.
    """
    values = _read(path)
    text = path.read_text("utf-8")
    complaints = Complaints(path.name, text)
    about = values.pop("published", None)
    if not isinstance(about, dict):
        complaints.add((), "has no table [published], which a gallery needs")
        stop_at(complaints)
    published = validated(Published, about, ("published",), complaints)
    stop_at(complaints)
    assert published is not None
    own = kind_of(values) == "own"
    values |= {key: value for key, value in shared.items() if key not in values}
    if own:
        values["methods"] = _for_own_models(values["methods"])
        values["reference"] = {}
    lists = {key: values.pop(key, []) for key in ("datasets", "models", "methods")}
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    top = {key: value for key, value in values.items() if key not in tables}
    config = parse_config(written(top, tables, **lists), source=path.name, folder=path.parent)
    if config.name != path.stem:
        raise InputError(f'{path.name}: its name is "{config.name}"; call it as its file, "{path.stem}"')
    return Exhibit(config, published)


def _for_own_models(methods: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the methods that there are for models of one's own, with the options that they have there."""
    known, found = names("own methods"), []
    for entry in methods:
        kind = entry.get("kind", entry["name"])
        if kind in known:
            options = {"name", "kind", *find("own methods", kind).Settings.model_fields}
            found.append({key: value for key, value in entry.items() if key in options})
    return found


def _read(path: Path) -> dict[str, Any]:
    path = as_file(path, "configuration")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not TOML: {error}") from None
