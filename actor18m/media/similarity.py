"""How alike two vectors are, from 0 to 1 for what shows one thing."""

from typing import Literal

import numpy as np

from actor18m.arrays import Floats

Metric = Literal["cosine", "euclidean"]
"""What embeddings are compared with. Similarity grows with likeness and is 1 for equal ones: the cosine of the angle
between them, -1 to 1; or 1 minus their distance, which has no lower end. dlib's "one person below a distance of 0.6"
is a similarity above 0.4."""


def similarity(metric: Metric, one: Floats, other: Floats) -> float:
    a, b = one.astype(np.float64), other.astype(np.float64)
    if metric == "euclidean":
        return 1.0 - float(np.linalg.norm(a - b))
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))
