r"""Condensed data: a few hundred weighted points that stand for ten million; in the plane, ten thousands.

All that a sweep, a bound or a gradient asks of scalar data are sums over i of smooth functions of x_i,
such as r_k(x) T(x) and ln sum_k exp rho_k(x). On an interval that is short beside the scale on which such
a function bends, the function is a polynomial, but for an error that falls geometrically with the degree.
And the sum of a polynomial over the points of an interval depends on these points through few moments
alone.

So the line is cut into cells of equal width, and one pass over the data sums, cell by cell,

    m_l = sum_i w_i T_l(t_i),    l = 0, ..., 2q - 1,    t = -1 ... 1 across the cell,

with T_l the Chebyshev polynomials (`one_pass`). Gauss quadrature (`gauss`) then finds q points and positive
weights that have the same moments. They replace the cell's points: sums over them of polynomials of degree
below 2q are the same, to rounding. With a singularity of the function, such as a pole of the
responsibilities, at the distance d from the axis, other sums differ by at most about

    rho^(-2q) of themselves,   rho = delta + sqrt(1 + delta^2),   delta = d / (width / 2)

(Trefethen, Approximation Theory and Approximation Practice, 2013, theorem 8.2 and chapter 19);
`sharpness` tells the width that a mixture needs.

Beside the moments a cell keeps its distinct values with their weights while they are no more than q. Such a
cell is kept exactly: an outlier, however far out, costs one point, and rounded measurements and small data
come out as their distinct values. Counts and categories are condensed so altogether (`distinct`).

Moments add up. Those of parts, summed by several threads, processes or machines on the same grid, make
those of the whole: `CellSums`.

    grid = Grid(origin=0.0, width=0.4)
    sums = sum_cells(grid, monday) + sum_cells(grid, tuesday)
    data = sums.condensed()
    fit(mixture, data.x, sample_weight=data.weight, rng=1)

In the plane all this is alike (`plane`), but for the nodes: there is no Gauss quadrature, and positive
weights with the moments of a cell are searched for (`cubature`).

Where points hardly share cells, nothing is saved, and `None` is returned as soon as that is seen.
The nearest published relative is Huggins, Adams & Broderick (2017), "PASS-GLM".
"""

from hand_cavi.data.condense.cells import MOST_CELLS, CellSums, Grid
from hand_cavi.data.condense.condensed import Condensed
from hand_cavi.data.condense.distinct import unique_rows, united
from hand_cavi.data.condense.merging import merged
from hand_cavi.data.condense.one_pass import condense, sum_cells
from hand_cavi.data.condense.plane import PlaneGrid, PlaneSums
from hand_cavi.data.condense.sharpness import width_for, width_for_components, width_for_sd

__all__ = [
    "MOST_CELLS",
    "CellSums",
    "Condensed",
    "Grid",
    "PlaneGrid",
    "PlaneSums",
    "condense",
    "merged",
    "sum_cells",
    "unique_rows",
    "united",
    "width_for",
    "width_for_components",
    "width_for_sd",
]
