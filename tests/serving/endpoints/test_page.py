"""The page at ``/docs``."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from modelpack.schema import ColumnSpec, DataType, ParamSpec, Schema, Signature
from serving import contract
from serving.endpoints import page
from tests.serving.kit import house, served
from tests.serving.test_openapi import SIGNATURES


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_the_page_names_every_column_and_param(signature: Signature) -> None:
    html = page.render(served(signature=signature))
    for spec in (*(signature.inputs.specs if signature.inputs else ()), *signature.params):
        assert f"<td>{'' if spec.name is None else spec.name}</td>" in html or spec.name is None


def test_the_page_needs_nothing_from_elsewhere_and_lets_nothing_in(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        response = home.client.get(contract.DOCS)
    html, policy = response.text, response.headers["content-security-policy"]
    assert not re.search(r"(src|href)=.?(https?:)?//", html)
    assert "import" not in page.SCRIPT
    assert "'unsafe-inline'" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        found = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert found is not None
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy, "a browser runs what the page holds"


def test_whatever_a_model_is_called_is_text_on_the_page() -> None:
    evil = "</textarea></title><script>alert(1)</script>\"'&"
    signature = Signature(
        inputs=Schema((ColumnSpec(DataType.string, evil),)), params=(ParamSpec("p", DataType.string, evil),)
    )
    example = {"dataframe_split": {"columns": [evil], "data": [[evil]]}}
    html = page.render(served(signature=signature, name=evil, example=example))
    assert html.count("<script>") == 1
    assert html.count("</script>") == 1
    assert html.count("</textarea>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
