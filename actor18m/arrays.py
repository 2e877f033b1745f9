"""Names for arrays and boxes, as everything may use them."""

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Box = tuple[float, float, float, float]
