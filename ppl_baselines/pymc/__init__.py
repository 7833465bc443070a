"""Every mixture in PyMC, and PyMC's methods: NUTS, variational inference and sequential Monte Carlo."""
