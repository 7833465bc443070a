"""Classic mistakes in hand-derived mean-field inference, each one line of a correct derivation.

Six short derivations, written out as a textbook does, and in `gallery` the lines that go wrong. The
derivations use nothing of `hand_cavi`. `table` measures how often `elbowroom check` finds each mistake.
"""
