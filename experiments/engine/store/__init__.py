"""A study on disk, in one folder: atomic, resumable, readable by others."""
