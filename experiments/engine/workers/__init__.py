"""Processes that do the work, one of which may die without harm to the others, and what is shown of them."""
