"""A build from beginning to end, as the command and a notebook call it alike."""
