"""Cells run, stored and resumed, whatever they compute."""
