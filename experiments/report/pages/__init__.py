"""The report's pages: one file for each kind of study, and one for a check."""
