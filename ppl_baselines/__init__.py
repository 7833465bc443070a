"""The mirror: the same mixtures, written again in probabilistic languages, and fitted by their methods.

One folder a language, with the same file names in each: ``families`` and ``weights`` (the model), ``build``
(a mixture as a model of the language), ``nuts`` and ``vi``. Beside them is what the languages share:
coordinates without constraints, and draws under canonical names.

Nothing heavy is imported here, and nothing of ``hand_cavi`` anywhere: the two packages check each other, so
they share no code. A mixture's prior is read by its fields (see `ppl_baselines.pymc.build`).
"""
