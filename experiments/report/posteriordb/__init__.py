"""Reference draws for others: the form of posteriordb (github.com/stan-dev/posteriordb), and its checks.

Names of files, fields and checks are those of its `doc/REFERENCE_POSTERIOR_DEFINITION.md`, of its R package's
`assert_reference_posterior_info` and of the files in its folder `posterior_database`.
"""
