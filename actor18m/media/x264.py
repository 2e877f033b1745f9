"""How to have the same bytes from x264 each time, on every machine."""

REPEATABLE = "cpu-independent=1:threads=1:lookahead-threads=1"
"""`x264-params`: its output depends on how many threads it has, and, unless it is told otherwise, differs from run to
run."""
