"""Simulation-based calibration: whether posteriors are, over data from the model itself, what they claim.

Draw theta* from the prior and x from p(x given theta*). Then theta* is a draw from the posterior given x, so
that for any f(theta, x), and exact draws theta_1, ..., theta_L from that posterior, the rank of f(theta*, x)
among the f(theta_l, x) is uniform (Cook, Gelman & Rubin 2006; Talts et al. 2018; with f that see the data,
Modrak et al. 2023). An approximate posterior betrays itself by the shape of these ranks over many data sets:
too many at both ends, it is over-confident; too many in the middle, under-confident; slanted, biased.

`simulate` draws, `task` fits, `ranked_quantities` are the f, `ranks` and `exact` give the ranks, `effects`
and `experiments.posterior.bands` say how far they are from uniform, `verdict` what follows.
"""
