"""Other people's variational code, held against its definition: `python -m examples.audit` writes the page.

An adapter hands a library's fitted state to our bound and its updates to our checker. See docs/audit.md.
"""
