"""Where a study lies that a person calls by its name."""

from pathlib import Path


def study_folder(study: Path) -> Path:
    """Return the folder of a study from that, or from its name in the folder ``studies``.

    Raises InputError if there is none.
    """
    from experiments.config.plugins import did_you_mean
    from hand_cavi import InputError

    places = (study, Path("studies") / study)
    for folder in places:
        if (folder / "study.sqlite").is_file():
            return folder
    for folder in places:
        if (folder / "batches").is_dir():
            raise InputError(f"the calibration in {folder} was written by an older version; run it again")
    known = [path.parent.name for path in sorted(Path("studies").glob("*/study.sqlite"))]
    hint = did_you_mean(study.name, known)
    raise InputError(f'there is no study "{study}", a folder with a study.sqlite in it{hint}')
