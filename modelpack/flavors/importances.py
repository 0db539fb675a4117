"""What each feature weighs in a model, as the model itself says, for flavors that know how to ask."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from modelpack.directory.reader import ModelDirectory


@dataclass(frozen=True, slots=True)
class Importances:
    """*values* by feature, in the model's order; *kind* says what is counted.

    *group* is the class, or the answer, that they are about; nothing where they are about all.
    """

    kind: str
    values: tuple[tuple[str, float], ...]
    group: str = ""


@runtime_checkable
class Explains(Protocol):
    """A flavor that can tell: its fourth verb, which not all have."""

    def importances(self, model: Any, source: ModelDirectory) -> tuple[Importances, ...]:
        """What the features of *model* weigh, which ``load`` gave; nothing where it does not say."""
        ...


def named(
    kind: str, values: Any, names: Iterable[object] | None, source: ModelDirectory, *, group: str = ""
) -> Importances:
    """*values* under *names*, where there are as many; else under those of the signature, else numbers."""
    numbers = [float(one) for one in np.asarray(values).ravel()]
    inputs = source.signature.inputs if source.signature else None
    columns: Sequence[object] = inputs.names if inputs is not None and not inputs.is_tensor else ()
    for known in (names, columns):
        told = [] if known is None else [str(one) for one in known]
        if len(told) == len(numbers):
            break
    else:
        told = [f"column {place}" for place in range(len(numbers))]
    return Importances(kind, tuple(zip(told, numbers, strict=True)), group)


_WRAPPERS = ("best_estimator_", "regressor_")


def of_estimator(
    model: Any, source: ModelDirectory, names: Iterable[object] | None = None
) -> tuple[Importances, ...]:
    """Those of an estimator as scikit-learn has them; of a pipeline, its last step's."""
    steps = getattr(model, "steps", None)
    if isinstance(steps, list) and steps:
        last = steps[-1][1]
        return of_estimator(last, source, _names_before_last(model, names) if len(steps) > 1 else names)
    for wrapper in _WRAPPERS:
        if hasattr(model, wrapper):
            return of_estimator(getattr(model, wrapper), source, names)
    if names is None:
        names = getattr(model, "feature_names_in_", None)
    if (found := getattr(model, "feature_importances_", None)) is not None:
        return (named("feature_importances_", found, names, source),)
    if (found := getattr(model, "coef_", None)) is not None:
        return tuple(_coefficients(model, found, names, source))
    return ()


def _names_before_last(pipeline: Any, names: Iterable[object] | None) -> list[object]:
    """What the last step is given; nothing where a step before it cannot say."""
    try:
        return list(pipeline[:-1].get_feature_names_out(names))
    except (AttributeError, ValueError, TypeError):
        return []


def _coefficients(
    model: Any, found: Any, names: Iterable[object] | None, source: ModelDirectory
) -> Iterable[Importances]:
    rows = np.atleast_2d(found.toarray() if hasattr(found, "toarray") else np.asarray(found))
    classes: Sequence[object] = getattr(model, "classes_", ())
    told = None if names is None else list(names)
    for place, row in enumerate(rows):
        # Two classes share one row, which speaks for the second.
        if len(classes) == len(rows):
            group = str(classes[place])
        else:
            group = str(classes[1]) if len(classes) == 2 else "" if len(rows) == 1 else f"answer {place}"
        yield named("coefficient", row, told, source, group=group)
