"""What the features of a saved model weigh, asked of the model where the operator lets it be loaded."""

from modelpack.directory import ModelDirectory
from modelpack.errors import ModelpackError, shorten
from modelpack.examining import Facts
from modelpack.flavors import FLAVORS
from modelpack.flavors.importances import Explains, Importances
from modelpack.loading import load
from modelpack.trust import Trust


def weigh(
    directory: ModelDirectory, facts: Facts, trust: Trust | None = None
) -> tuple[Importances, ...] | str:
    """What the features of the model weigh, or the sentence that says why it is not told.

    The model is loaded as ``load`` does, under the operator's *trust*: what that does not allow stays closed.
    """
    if facts.flavor is None or facts.needs is None:
        return "It is not known how this model is loaded, so it was not asked."
    flavor = FLAVORS[facts.flavor]
    if not isinstance(flavor, Explains):
        return f"Models of the flavor {facts.flavor} do not say what their features weigh."
    try:
        found = flavor.importances(load(directory.path, trust=trust), directory)
    except ModelpackError as error:
        return shorten(f"The model was not asked: {error}.")
    except Exception as error:  # noqa: BLE001 - whatever a library says of this model, the rest is to be told
        return shorten(f"The model could not be asked: {type(error).__name__}: {error}.")
    return found or "This model does not say what its features weigh."
