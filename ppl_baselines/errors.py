"""What can go wrong here that a user can put right."""


class UnavailableError(ValueError):
    """Something that was asked for by name does not exist here, or is not installed.

    The message is one sentence that says what to do about it.
    """
