"""Short clips of digital actors whose truth is known: the shipped set."""
