"""The one kind of trouble that a person can mend."""


class ActorError(Exception):
    """Its message says what went wrong, where, and what to do about it. The command line prints it and exits with 1."""
