"""The public face: every name is there, explained, and typed."""

import inspect

import pytest

import modelpack


@pytest.mark.parametrize("name", sorted(set(modelpack.__all__) - {"__version__"}))
def test_a_public_name_explains_itself(name: str) -> None:
    thing = getattr(modelpack, name)
    assert inspect.getdoc(thing)
    assert thing.__module__.startswith("modelpack")


@pytest.mark.parametrize("name", ["save", "load", "load_predictor", "open_model", "infer_signature"])
def test_a_public_function_is_typed_throughout(name: str) -> None:
    signature = inspect.signature(getattr(modelpack, name))
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(one.annotation is not inspect.Parameter.empty for one in signature.parameters.values())


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="sav"):
        _ = modelpack.sav
