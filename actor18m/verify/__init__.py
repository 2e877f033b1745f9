"""Looks at every byte of a store or a dataset, and finds what is damaged, missing or not theirs."""
