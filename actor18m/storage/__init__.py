"""Where bytes lie: file systems and object stores, the store, the lease of its one writer."""
