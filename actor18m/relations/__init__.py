"""Between clips: near duplicates and identities."""
