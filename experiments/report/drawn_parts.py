"""What was drawn, kept beside the figures: nothing is drawn twice from the same inputs by the same code.

::

    figures/.cache/<key>.json     a part of a page, such as a problem with its figures, by its inputs
    figures/.cache/report.json    what the report was made from, and the files that it consists of

Each file appears at once or not at all, as soon as its part is drawn; drawing goes on from there.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.engine.fingerprint import all_files, content_key, versions
from experiments.engine.store.files import parts_in, write_whole
from experiments.records import StudyRecord

_LIBRARIES = ("matplotlib", "jinja2")
_SUFFIXES = (".py", ".j2", ".css", ".js")
_LINK = re.compile(r"\]\(figures/([^)/]+\.png)\)")


@dataclass(frozen=True)
class Part:
    """A part of a page, as HTML and as Markdown; its PNG files with their sizes; what is to be told of it.

    `pngs` has the files' content until they are written.
    """

    html: str
    markdown: str
    figures: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pngs: Mapping[str, bytes] = field(default_factory=dict)


@cache
def drawing_code() -> str:
    """Return the hash of what draws: all files of this project, and the versions of the libraries."""
    libraries = versions() | {name: version(name) for name in _LIBRARIES}
    return content_key({"files": all_files(_SUFFIXES), "libraries": libraries})


def key_of(contents: Iterable[str], *more: object) -> str:
    """Return the key of what is drawn from stored contents; empty if one of them is in no store."""
    found = list(contents)
    return content_key({"of": found, "more": repr(more), "code": drawing_code()}) if all(found) else ""


def key_of_report(record: StudyRecord) -> str:
    """Return the key of a study's whole report; empty if it is in no store."""
    about = {name: value for name, value in vars(record).items() if name not in ("folder", "problems")}
    return key_of([problem.content for problem in record.problems], about)


class DrawnParts:
    """Those of one report's folder."""

    def __init__(self, folder: Path) -> None:
        self._report = folder
        self._folder = folder / "figures" / ".cache"

    def __getitem__(self, key: str) -> Part | None:
        """Return the part of a key, if it was drawn and its figures are there."""
        kept = self._read(key) if key else None
        kinds = {"html": str, "markdown": str, "figures": dict, "notes": list}
        if kept is None or not all(isinstance(kept.get(name), kind) for name, kind in kinds.items()):
            return None
        part = Part(kept["html"], kept["markdown"], kept["figures"], tuple(kept["notes"]))
        there = (self._size(Path("figures", name)) == size for name, size in part.figures.items())
        return part if all(there) else None

    def keep(self, key: str, part: Part) -> None:
        """Write a part's figures, and keep it if it has a key."""
        for name, content in part.pngs.items():
            write_whole(self._report / "figures" / name, content)
        if key:
            self._write(key, {name: value for name, value in vars(part).items() if name != "pngs"})

    def is_unchanged(self, key: str, pages: Collection[str]) -> bool:
        """Whether the report was made from the same, is there, and has pages of these problems."""
        kept = self._last_report() if key else None
        if kept is None or kept["key"] != key or not set(pages) <= set(kept["pages"]):
            return False
        return all(self._stamp(Path(name)) == stamp for name, stamp in kept["files"].items())

    def pages(self) -> dict[str, str]:
        """Return the pages of problems that the last report had: the keys of their parts by their names."""
        kept = self._last_report()
        return dict(kept["pages"]) if kept else {}

    def stale(self) -> list[Path]:
        """Return figures and pages that no page uses that is there now, and what a killed drawing began.

        A part that is kept, also of a drawing that was interrupted, and ``report.md`` use their figures;
        pages are known once a report was finished.
        """
        kept = [self._read(path.stem) or {} for path in self._folder.glob("*.json")]
        used = {str(name) for part in kept for name in part.get("figures", ())}
        with suppress(OSError, UnicodeDecodeError):
            used |= set(_LINK.findall((self._report / "report.md").read_text(encoding="utf-8")))
        figures = [path for path in (self._report / "figures").glob("*.png") if path.name not in used]
        pages = list((self._report / "problems").glob("*.html")) if self._last_report() else []
        gone = [path for path in pages if path.stem not in self.pages()]
        places = (self._report, self._report / "figures", self._folder, self._report / "problems")
        return sorted([*figures, *gone, *(part for place in places for part in parts_in(place))])

    def finish(
        self, key: str, files: Iterable[Path], pages: Mapping[str, str], used: Collection[str]
    ) -> None:
        """Note what the report consists of, if it has a key, and forget the parts that it does not use."""
        if key:
            stamps = {path.as_posix(): self._stamp(path) for path in files}
            self._write("report", {"key": key, "files": stamps, "pages": dict(pages)})
        for path in self._folder.glob("*.json"):
            if path.stem != "report" and path.stem not in used:
                path.unlink(missing_ok=True)

    def _last_report(self) -> dict[str, Any] | None:
        kept = self._read("report")
        kinds = {"key": str, "files": dict, "pages": dict}
        whole = kept is not None and all(isinstance(kept.get(name), kind) for name, kind in kinds.items())
        return kept if whole else None

    def _size(self, path: Path) -> int:
        stamp = self._stamp(path)
        return stamp[0] if stamp else -1

    def _stamp(self, path: Path) -> list[int]:
        """Return a file's size and time of change; nothing if it is not there."""
        try:
            about = (self._report / path).stat()
        except OSError:
            return []
        return [about.st_size, about.st_mtime_ns]

    def _read(self, key: str) -> dict[str, Any] | None:
        with suppress(OSError, ValueError):
            kept = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
            return kept if isinstance(kept, dict) else None
        return None

    def _write(self, key: str, kept: Mapping[str, object]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / f"{key}.json", json.dumps(kept).encode())
