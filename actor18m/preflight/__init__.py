"""What a pipeline's models and stages take on the machine at hand, and how its workers are shared out by that."""
