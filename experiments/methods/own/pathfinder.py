"""Multi-path Pathfinder on the user's model: Gaussians from quasi-Newton paths, as one mixture."""

from experiments.methods.pathfinder import Settings, fit

__all__ = ["Settings", "fit"]
