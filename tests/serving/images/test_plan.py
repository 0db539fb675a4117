import pytest

from modelpack.errors import ModelpackError
from serving.image import Image
from serving.images.errors import Disagreement, InvalidValue
from tests.serving.images.making import DIGEST, PRODUCTION, plan


def test_what_an_image_says_of_itself_comes_back() -> None:
    said = plan(variables=(("LINES", "a\nb"), ("A", "1"))).image
    assert said == Image(
        model="/opt/ml/model",
        engine="onnx",
        port=8080,
        name="churn-prediction-model",
        version="3",
        digest=DIGEST,
        references=("/opt/ml/model", "models:/churn-prediction-model/3", PRODUCTION),
        variables={"LINES": "a\nb"},
    )


def test_labels_say_where_it_comes_from() -> None:
    base = "python:3.11-slim@sha256:" + "0" * 64
    assert dict(plan(base=base).own_labels) == {
        "org.opencontainers.image.title": "churn-prediction-model",
        "org.opencontainers.image.version": "3",
        "org.opencontainers.image.created": "2026-11-20T09:30:00+00:00",
        "org.opencontainers.image.base.name": "python:3.11-slim",
        "org.opencontainers.image.base.digest": "sha256:" + "0" * 64,
        "modelpack.model.reference": PRODUCTION,
        "modelpack.model.digest": DIGEST,
        "modelpack.engine": "onnx",
    }


def test_a_label_of_the_operator_takes_the_place_of_ours() -> None:
    one = plan(labels=(("org.opencontainers.image.version", "2026.11"),))
    assert "org.opencontainers.image.version" not in dict(one.own_labels)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"variables": (("A", "1"), ("A", "2"))}, Disagreement),
        ({"labels": (("a", "1"), ("a", "2"))}, Disagreement),
        ({"at_start": True, "reference": ""}, Disagreement),
        ({"variables": (("A", "a\0b"),)}, InvalidValue),
        ({"labels": (("a", "a\nb"),)}, InvalidValue),
        ({"name": "a\nRUN id"}, InvalidValue),
        ({"reference": "models:/a\nRUN id/3"}, InvalidValue),
        ({"build_arguments": (("A", "a\nb"),)}, InvalidValue),
        ({"system_packages": ("curl; id",)}, InvalidValue),
        ({"more_indexes": ("https://ada:pw@x/",)}, InvalidValue),
        ({"base": "python:3.11 AS build"}, InvalidValue),
        ({"platform": "linux/amd64 --x"}, InvalidValue),
        ({"port": 80}, InvalidValue),
    ],
)
def test_no_plan_holds_a_wrong_value(changes: dict[str, object], error: type[ModelpackError]) -> None:
    with pytest.raises(error):
        plan(**changes)
