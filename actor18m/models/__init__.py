"""What the stages ask of models (roles), the backends that play them, and their weights."""
