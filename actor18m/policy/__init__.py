"""Rules become verdicts; the sandbox of expressions; what people said."""
