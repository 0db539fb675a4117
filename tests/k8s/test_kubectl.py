"""What ``kubectl`` is asked, and what its answers come to."""

import shutil
from pathlib import Path

import pytest

from k8s import kubectl
from k8s.errors import ClusterUnavailable
from tests.k8s.conftest import Stand

TEXT = 'kind: "a; touch x"\n'


def test_applying_is_server_side_and_the_text_goes_in_as_data(stand: Stand) -> None:
    stand.answer(out="deployment.apps/a serverside-applied\n")
    assert kubectl.apply(TEXT) == "deployment.apps/a serverside-applied\n"
    assert stand.words == ["apply", "--server-side", "-f", "-", "--request-timeout=30s"]
    assert stand.input == TEXT


@pytest.mark.parametrize("context", ["prod", "--all", "a b; c"])
def test_a_context_is_one_word(stand: Stand, context: str) -> None:
    kubectl.apply(TEXT, context=context)
    assert stand.words[0] == f"--context={context}"
    assert stand.words[1] == "apply"


def test_a_difference_is_an_answer_and_not_a_failure(stand: Stand) -> None:
    stand.answer(out="-replicas: 2\n+replicas: 3\n", code=1)
    assert kubectl.diff(TEXT) == "-replicas: 2\n+replicas: 3\n"
    assert stand.words[:4] == ["diff", "--server-side", "-f", "-"]
    stand.answer()
    assert kubectl.diff(TEXT) == ""


@pytest.mark.parametrize(
    ("err", "code", "said"),
    [
        (
            "The connection to the server localhost:8080 was refused\nconnection refused\n",
            1,
            "reaches no cluster",
        ),
        ("Unable to connect to the server: dial tcp: no such host\n", 1, "reaches no cluster"),
        (
            'Error from server (NotFound): namespaces "ml-serving" not found\n',
            1,
            'namespaces "ml-serving" not found',
        ),
        ("x" * 1000 + "\x1b[31m", 1, "…"),
        ("", 7, "code 7"),
    ],
)
def test_a_failure_is_one_line(stand: Stand, err: str, code: int, said: str) -> None:
    stand.answer(err=err, code=code)
    for verb in (kubectl.apply, kubectl.diff):
        with pytest.raises(ClusterUnavailable) as caught:
            verb(TEXT)
        assert said in str(caught.value)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) <= 300


def test_without_kubectl_the_message_says_what_else_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterUnavailable, match=r"not on PATH.* -o "):
        kubectl.apply(TEXT)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl here")
def test_the_real_one_without_a_cluster_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
        "clusters: [{name: here, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "contexts: [{name: here, context: {cluster: here, user: ''}}]\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(config))
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    for verb in (kubectl.apply, kubectl.diff):
        with pytest.raises(ClusterUnavailable, match="kubectl reaches no cluster"):
            verb(text)
