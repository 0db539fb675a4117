"""What every child of the script needs, loaded once."""

import onnx
import pandas as pd
import skl2onnx
import sklearn.ensemble

__all__ = ["onnx", "pd", "skl2onnx", "sklearn"]
