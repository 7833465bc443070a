"""The figures of the report by name, for objects that have problems to draw."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from experiments.records.study import ProblemRecord, StudyRecord
from experiments.report import figures
from experiments.report.figures import calibration_plots
from experiments.report.figures.onto_axes import onto_axes
from experiments.report.figures.picture import Picture
from experiments.report.outcomes import title_of
from experiments.report.style.palette import MethodStyle, method_styles, methods_of
from experiments.report.view import View, look_at, look_at_own
from hand_cavi import InputError

Make = Callable[[View], Picture | None]


def _components(view: View) -> Picture | None:
    made = (make(view) for make in (figures.clusters.picture, figures.ellipses.picture, figures.bars.picture))
    return next((picture for picture in made if picture is not None), None)


OF_MIXTURES: Mapping[str, Make] = {
    "ladder": figures.ladder.picture,
    "forest": figures.forest.picture,
    "density": figures.posterior_density.picture,
    "predictive": figures.predictive_density.picture,
    "components": _components,
    "sd_ratio": figures.sd_ratio.picture,
    "weights": figures.forest.weights_picture,
    "model_check": figures.model_check.picture,
    "k_hat": figures.k_hat.picture,
    "trace": figures.trace.picture,
    "co_clustering": figures.co_clustering.picture,
    "chains": figures.chains.picture,
    "wall_time": figures.wall_time.picture,
}
OF_OWN: Mapping[str, Make] = {
    "forest": figures.forest.quantities_picture,
    "density": figures.posterior_density.quantities_picture,
}
OF_CALIBRATION = ("ecdf", "effects", "coverage")


class Figures(ABC):
    """What draws; `_only` is the one problem that is chosen of the `_whole` study, or raises InputError."""

    _record: StudyRecord
    _whole: StudyRecord

    @property
    @abstractmethod
    def _only(self) -> ProblemRecord: ...

    @property
    def plots(self) -> tuple[str, ...]:
        """The names that `plot` knows."""
        if self._record.kind == "calibration":
            return OF_CALIBRATION
        return tuple(OF_OWN if self._record.kind == "own" else OF_MIXTURES)

    def plot(self, name: str, ax: Any = None) -> Any:
        """Draw a figure of the report, by one of the names in `plots`.

        Parameters
        ----------
        ax : Axes, or sequence of Axes, optional
            Where to draw, one for each panel; without, in a new figure.

        Returns
        -------
        Axes, or ndarray of Axes
            One for each panel.

        Raises
        ------
        InputError
            If there is no such figure, it does not apply, or there are too few or too many axes.
        """
        return onto_axes(self._picture(name), ax)

    def plot_ladder(self, ax: Any = None) -> Any:
        """Draw every bound, and every opinion on log p(x), on one scale; see `plot`."""
        return self.plot("ladder", ax)

    def plot_forest(self, ax: Any = None) -> Any:
        """Draw posterior means and intervals, a panel for each component or quantity; see `plot`."""
        return self.plot("forest", ax)

    def plot_density(self, ax: Any = None) -> Any:
        """Draw posterior densities, methods over each other; see `plot`."""
        return self.plot("density", ax)

    def plot_predictive(self, ax: Any = None) -> Any:
        """Draw the data, and the density that each method predicts; see `plot`."""
        return self.plot("predictive", ax)

    def plot_components(self, ax: Any = None) -> Any:
        """Draw the components that were found, over the data; see `plot`."""
        return self.plot("components", ax)

    def plot_sd_ratio(self, ax: Any = None) -> Any:
        """Draw posterior standard deviations over the reference's; see `plot`."""
        return self.plot("sd_ratio", ax)

    def plot_trace(self, ax: Any = None) -> Any:
        """Draw the bounds against wall time; see `plot`."""
        return self.plot("trace", ax)

    def plot_ecdf(self, ax: Any = None) -> Any:
        """Draw, of a calibration, where the truth lies among the draws; see `plot`."""
        return self.plot("ecdf", ax)

    def plot_coverage(self, ax: Any = None) -> Any:
        """Draw, of a calibration, how often intervals hold the truth; see `plot`."""
        return self.plot("coverage", ax)

    def _picture(self, name: str) -> Picture:
        if name not in self.plots:
            kind = {"mixtures": "mixtures", "own": "own models"}.get(self._record.kind, "calibrations")
            raise InputError(f'studies of {kind} have no figure "{name}"; there are {", ".join(self.plots)}')
        problem = self._only
        if self._record.kind == "calibration":
            found = (
                [] if problem.details is None else calibration_plots.pictures(problem.details, self._styles)
            )
            picture = next((one for one in found if one.key == name), None)
        else:
            picture = (OF_OWN if self._record.kind == "own" else OF_MIXTURES)[name](self._view)
        if picture is None:
            raise InputError(f'the figure "{name}" does not apply to {title_of(problem)}')
        return picture

    @cached_property
    def _view(self) -> View:
        look = look_at_own if self._record.kind == "own" else look_at
        return look(self._only, self._styles)

    @property
    def _styles(self) -> dict[str, MethodStyle]:
        """Return the methods' styles, which they have in the whole study."""
        if self._whole.kind != "calibration":
            return methods_of(self._whole)
        models = (one.details for one in self._whole.problems if one.details is not None)
        return method_styles([one.method for model in models for one in model.methods])
