"""What a store keeps besides cells: which problems and cells a study has, and how a problem was judged."""

from dataclasses import dataclass, field

from experiments.records import Cell, Measurement, Reference, Verdict


@dataclass(frozen=True)
class ProblemEntry:
    """A problem's place in a study; the texts are those of `records.ProblemRecord`.

    Attributes
    ----------
    key : str
        Content key of the problem: its data and its model.
    cells : tuple of Cell
        In the order of the study's methods.
    """

    key: str
    dataset: str
    model: str
    repeat: int
    about_data: str
    about_model: str
    unit: str
    cells: tuple[Cell, ...]
    features: tuple[str, ...] = ()
    series: str = ""


@dataclass(frozen=True)
class Manifest:
    """A study's table of contents; the fields are those of `records.StudyRecord`.

    Attributes
    ----------
    problems : tuple of ProblemEntry
        In the order in which a report shows them.
    """

    name: str
    config: str
    seed: int
    versions: dict[str, str]
    machine: dict[str, str]
    problems: tuple[ProblemEntry, ...]


@dataclass(frozen=True)
class Judgement:
    """What the judge found for one problem.

    Attributes
    ----------
    reference : Reference
    measurements : dict of str to (dict of str to Measurement)
        By cell key, then by metric name.
    verdicts : dict of str to Verdict
        By cell key.
    """

    reference: Reference
    measurements: dict[str, dict[str, Measurement]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    @property
    def cell_keys(self) -> frozenset[str]:
        """The cells that were judged."""
        return frozenset(self.measurements) | frozenset(self.verdicts)
