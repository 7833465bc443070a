"""The mirror: the same mixtures, written again in PyMC and fitted by ADVI and NUTS.

Nothing heavy is imported here, and nothing of ``hand_cavi`` anywhere: the two packages check each other, so
they share no code. A mixture's prior is read by its fields (see `ppl_baselines.build`).
"""
