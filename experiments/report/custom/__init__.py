"""The report of a study of a user's own models: the look of the mixtures' report, with less in it."""
