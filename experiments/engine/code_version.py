"""Which code ran: the version of the package, and the commit where it is run from a checkout of git."""

import subprocess
from importlib.metadata import PackageNotFoundError, version

from experiments.config.plugins import folder_of

_PATIENCE = 5.0  # seconds that git may take


def package_version() -> str:
    """Return the version of elbowroom; empty where it is not installed."""
    try:
        return version("elbowroom")
    except PackageNotFoundError:
        return ""


def commit() -> str:
    """Return the commit, with ``+changes`` where files differ from it; empty without git, or a checkout."""
    found = _git("rev-parse", "HEAD")
    return f"{found}+changes" if found and _git("status", "--porcelain", "--untracked-files=no") else found


def _git(*arguments: str) -> str:
    root = folder_of("experiments").parent
    if not (root / ".git").exists():  # never the checkout of another project, in which this one is installed
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
