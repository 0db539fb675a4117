import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from serving.images.sbom import document
from tests.serving.images.making import DIGEST, plan


def test_it_is_cyclonedx() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document(plan())) is None


def test_it_lists_the_model_the_server_and_every_distribution() -> None:
    said = json.loads(document(plan()))
    found = {one["type"]: one for one in said["components"]}
    assert found["machine-learning-model"]["hashes"] == [
        {"alg": "SHA-256", "content": DIGEST.removeprefix("sha256:")}
    ]
    assert found["application"]["name"] == "modelpack"
    assert found["library"]["purl"] == "pkg:pypi/numpy@2.4.6"
    assert said["metadata"]["component"]["name"] == "churn-prediction-model"


def test_it_is_the_same_tomorrow() -> None:
    assert document(plan()) == document(plan())
    assert document(plan()) != document(plan(digest="sha256:" + "ab" * 32))


def test_a_model_without_a_name_in_a_registry_is_listed_too() -> None:
    text = document(plan(reference="", known=(), version="", created=""))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
