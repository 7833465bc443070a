"""What goes where: results to stdout, everything else to stderr."""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

PICTURES = (".png", ".svg", ".pdf")
"""What a picture's file may end in."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else.")]


def print_json(content: Any) -> None:
    """Print a JSON document; NaN and infinities become null."""
    print(json.dumps(without_nan(content), indent=2, ensure_ascii=False, allow_nan=False))


def without_nan(content: Any) -> Any:
    """Return JSON content with None in place of NaN and infinities, and lists in place of arrays."""
    if hasattr(content, "tolist"):
        content = content.tolist()
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, dict):
        return {str(key): without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    return content


def writable(folder: Path) -> Path:
    """Prove that a folder can be made and written to; it is not left there, for the work may yet fail.

    Raises InputError if it cannot be made, or cannot be written to.
    """
    from tempfile import TemporaryFile

    from hand_cavi import InputError

    _refuse_control_characters(folder)
    missing: list[Path] = []
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        raise InputError(
            f'the folder "{folder}" cannot be written to: {error.strerror}; choose another one, or make room'
        ) from None
    finally:
        for path in missing:
            with suppress(OSError):  # not made after all
                path.rmdir()
    return folder


def _refuse_control_characters(path: Path) -> None:
    from hand_cavi.inputs import CONTROL, InputError

    if CONTROL.search(str(path)):
        raise InputError(f"the path {str(path)!r} holds a control character; choose another name")


def writable_file(path: Path, option: str, endings: Sequence[str], other: Path | None = None) -> None:
    """Say before the work, not after, that a file cannot be put there; its folder is made when it is written.

    It may not be an `other` file, such as one that is read.

    Raises InputError if it has another ending, is a folder or no regular file, or its folder cannot be
    written to.
    """
    from hand_cavi import InputError

    if endings and path.suffix.lower() not in endings:
        *others, last = endings
        raise InputError(f'"{path}" must end in {", ".join(others)} or {last}')
    _refuse_control_characters(path)
    try:
        there = path.exists()
    except OSError as error:
        raise InputError(f'"{path}" cannot be written: {error.strerror}; choose another name') from None
    if path.is_dir():
        raise InputError(f'"{path}" is a folder; {option} takes the name of a file')
    if there and not path.is_file():
        raise InputError(f'"{path}" is a device or the like; {option} takes the name of a file')
    if other is not None and path.resolve() == other.resolve():
        raise InputError(f'"{path}" is used by this command already; {option} needs another file')
    writable(path.parent)


def write_picture(path: Path, make: Callable[[], Any]) -> None:
    """Save a matplotlib figure as PNG, SVG or PDF, by the file's ending."""
    from experiments.commands._progress import FitProgress
    from experiments.engine.store.files import whole
    from hand_cavi import InputError

    try:
        with FitProgress() as progress, whole(path) as part:
            progress.begins(f"drawing {path.name}")
            make().savefig(part, format=path.suffix[1:].lower())
    except OSError as error:
        raise InputError(f'"{path}" cannot be written: {error.strerror}') from None
