"""What was measured: rows, files attached to a commit, folds, the index."""
