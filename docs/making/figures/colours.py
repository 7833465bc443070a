"""Colours of the figures: those that reports have for the same methods."""

from experiments.report.style.palette import DATA, INK, MUTED, REFERENCE

CAVI, ADVI, CORRECTED = "#0072b2", "#d55e00", "#009e73"
COMPONENTS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00")
EXACT, POINTS, TEXT, QUIET = REFERENCE.light, DATA.light, INK.light, MUTED.light
