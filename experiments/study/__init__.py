"""The grid: problems and cells, their seeds, and the keys of their contents."""
