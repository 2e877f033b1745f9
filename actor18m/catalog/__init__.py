"""Which inputs exist, in which lots, and what is said of them."""
