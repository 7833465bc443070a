"""Fit a mixture with every method, and compare what they say."""
