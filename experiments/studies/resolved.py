"""A configuration as resolved: all defaults filled in, as JSON."""

from pathlib import Path
from typing import Any

from experiments.config.kinds import SCHEMAS
from experiments.config.reading import Config
from experiments.methods.mixture_target import mixture_content


def resolved(config: Config) -> dict[str, Any]:
    """Return what a configuration asks for, by the names that its file has for it; paths as in the file."""
    found: dict[str, Any] = {"kind": config.kind, "name": config.name, "seed": config.seed}
    if config.datasets:
        found["datasets"] = [
            {
                "name": one.name,
                "source": one.source,
                **_with_paths_of_the_file(one.settings.model_dump(mode="json"), config.folder),
            }
            for one in config.datasets
        ]
    mixtures = [
        {
            "name": one.name,
            "datasets": None if one.datasets is None else list(one.datasets),
            **mixture_content(one.mixture),
        }
        for one in config.models
    ]
    found["models"] = mixtures or [one.model_dump(mode="json") for one in config.own_models]
    found["methods"] = [
        {"name": one.name, "kind": one.kind, **one.settings.model_dump(mode="json")} for one in config.methods
    ]
    for table in SCHEMAS[config.kind].tables:
        options = config.batches if (config.kind, table) == ("calibration", "run") else getattr(config, table)
        found[table] = options.model_dump(mode="json")
    return found


def _with_paths_of_the_file(settings: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """Return settings whose paths start at the configuration's folder again: where that lies is nobody's."""
    if folder is None or "path" not in settings:
        return settings
    path = Path(settings["path"])
    return settings | {"path": str(path.relative_to(folder) if path.is_relative_to(folder) else path.name)}
