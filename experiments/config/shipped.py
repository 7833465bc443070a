"""Configurations and derivations that come with elbowroom, by name, each with the files that it needs."""

from dataclasses import dataclass
from pathlib import Path

from experiments.config.plugins import did_you_mean, folder_of
from hand_cavi import InputError

_FOLDERS = ("configs", "examples/bring_your_own")


@dataclass(frozen=True)
class Example:
    """Files to be written side by side, the main one first; what it is, in a sentence, and what uses it."""

    files: tuple[Path, ...]
    about: str
    command: str


def examples() -> dict[str, Example]:
    """Return all, by name: in an installed package they lie inside of it, in a checkout at its root."""
    inside = folder_of("experiments") / "shipped"
    root = inside if inside.is_dir() else inside.parents[1]
    configs, derivations = (root / name for name in _FOLDERS)
    found = {path.stem: _of_config(path) for path in sorted(configs.glob("*.toml"))}
    for path in sorted(derivations.glob("*.py")):
        about = path.read_text("utf-8").removeprefix('"""').partition("\n")[0].rstrip(".")
        command = f"elbowroom check {path.name}:Derivation"
        found[path.stem] = Example((path,), f"A derivation. {about}.", command)
    return found


def example(name: str) -> Example:
    """Return one by its name; raises InputError if there is none."""
    known = examples()
    if name not in known:
        hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
        raise InputError(f'there is no example "{name}"{hint}')
    return known[name]


def _of_config(path: Path) -> Example:
    """Return a configuration with the files beside it whose names begin with its own."""
    others = [one for end in (".*", "-*") for one in sorted(path.parent.glob(path.stem + end)) if one != path]
    lines = path.read_text("utf-8").splitlines()
    comment = " ".join(line.removeprefix("#").strip() for line in lines[: _comments(lines)])
    command = f"elbowroom {'calibrate' if '[calibration]' in lines else 'run'} {path.name}"
    return Example((path, *others), f"{comment.partition('. ')[0].rstrip('.')}.", command)


def _comments(lines: list[str]) -> int:
    """Return how many lines of comment come first, before the command."""
    return next(i for i, line in enumerate(lines) if not line.startswith("# ") or line.startswith("#   "))
