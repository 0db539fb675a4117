"""The flavor passes what every flavor must pass."""

import pandas as pd
from modelpack_lookup import Lookup

from modelpack.testing.flavors import FlavorContract


class TestLookup(FlavorContract):
    """One table, and some words that are in it."""

    name = "lookup"

    def model(self) -> Lookup:
        return Lookup({"one": 1.0, "two": 2.0}, other=-1.0)

    def data(self) -> pd.DataFrame:
        return pd.DataFrame({"word": ["two", "one", "three"]})
