"""Values that are each right must agree with one another, and with the server."""

import re
from typing import Any

import pytest

from k8s.bundle import bundle
from k8s.deployment import literal
from k8s.errors import Disagreement, InvalidValue
from k8s.names import Image
from k8s.workload import LEEWAY, MODEL_DIGEST, Workload
from serving import contract
from serving.settings import Settings
from tests.k8s.making import DIGEST, found, workload


def _of(work: Workload, kind: str) -> dict[str, Any]:
    return next(one for one in bundle(work) if one["kind"] == kind)


def _pod(work: Workload) -> dict[str, Any]:
    pod: dict[str, Any] = _of(work, "Deployment")["spec"]["template"]["spec"]
    return pod


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="default"),
        pytest.param({"drain": 300}, id="long drain"),
        pytest.param({"linger": 60, "sleep": 30, "drain": 0}, id="long linger"),
        pytest.param({"version": (1, 30), "sleep": 5}, id="newer"),
        pytest.param({"grace": 46}, id="shortest"),
    ],
)
def test_the_server_has_left_before_it_is_killed(given: dict[str, Any]) -> None:
    work = workload(**given)
    told = Settings.read({}, _of(work, "ConfigMap")["data"])
    pod = _pod(work)
    hook = pod["containers"][0]["lifecycle"]["preStop"]
    slept = (
        hook["sleep"]["seconds"]
        if "sleep" in hook
        else int(re.findall(r"\d+", hook["exec"]["command"][2])[0])
    )
    assert slept == work.sleep
    assert slept + told.linger + told.drain + LEEWAY <= pod["terminationGracePeriodSeconds"]


def test_the_hook_of_old_versions_runs_and_sleeps() -> None:
    command = _pod(workload(sleep=7))["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command[:2] == ["python", "-c"]
    slept: list[int] = []
    module = type("time", (), {"sleep": slept.append})
    exec(command[2], {"__builtins__": {"__import__": lambda *_: module}})
    assert slept == [7]


def test_the_defaults_are_the_servers_own() -> None:
    work, settings = workload(), Settings()
    assert (work.linger, work.drain, work.port) == (settings.linger, settings.drain, contract.CONTAINER_PORT)


def test_the_server_listens_where_probes_and_service_ask() -> None:
    work = workload(port=9000, workers=4)
    told = Settings.read({}, _of(work, "ConfigMap")["data"])
    ports = _pod(work)["containers"][0]["ports"]
    assert (told.port, told.workers) == (9000, 4)
    assert _pod(work)["containers"][0]["args"] == ["--port", "9000"]
    assert "args" not in _pod(workload())["containers"][0]
    assert [(one["name"], one["containerPort"]) for one in ports] == [("http", 9000)]
    assert set(found(_pod(work), "port")) == {"http"}
    assert list(found(_of(work, "Service"), "targetPort")) == ["http"]
    assert _pod(work)["containers"][0]["envFrom"] == [{"configMapRef": {"name": work.config}}]


def test_startup_and_liveness_ask_for_health_and_readiness_for_ready() -> None:
    container = _pod(workload())["containers"][0]
    paths = [container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")]
    assert paths == [contract.HEALTH, contract.HEALTH, contract.READY]


def test_another_model_and_other_settings_make_new_pods() -> None:
    def head(**given: Any) -> dict[str, Any]:
        metadata: dict[str, Any] = _of(workload(**given), "Deployment")["spec"]["template"]["metadata"]
        return metadata

    assert head() == head()
    assert head()["annotations"][MODEL_DIGEST] == DIGEST
    assert head(digest="sha256:" + "0" * 64) != head()
    assert head(linger=2) != head()
    assert head(workers=2) != head()


def test_the_selector_holds_nothing_that_changes() -> None:
    one = workload()
    other = workload(
        digest="sha256:" + "0" * 64, model="models:/x/2", image=Image.parse("r.io/m:v9"), replicas=9
    )
    assert one.selector == other.selector


def test_an_autoscaler_takes_the_number_of_replicas_away() -> None:
    assert "replicas" in _of(workload(), "Deployment")["spec"]
    assert "replicas" not in _of(workload(max_replicas=5), "Deployment")["spec"]


def test_a_group_of_files_comes_with_secrets_alone() -> None:
    assert "fsGroup" not in _pod(workload())["securityContext"]
    pod = _pod(workload(secrets=("store",)))
    assert pod["securityContext"]["fsGroup"] == 65532
    assert pod["containers"][0]["volumeMounts"][1]["mountPath"] == "/run/secrets/store"


def test_the_ways_in_are_the_callers_that_the_policy_takes() -> None:
    def callers(**given: Any) -> list[str]:
        rule = _of(workload(**given), "NetworkPolicy")["spec"]["ingress"]
        return list(found(rule, "kubernetes.io/metadata.name"))

    assert callers() == []
    assert callers(host="a.example", ingress_class="nginx") == ["ingress-nginx"]
    assert callers(host="a.example", gateway="edge/public") == ["edge"]
    assert callers(allow_from=("web", "monitoring"), monitor=True) == ["web", "monitoring"]


def test_no_path_is_rewritten() -> None:
    work = workload(
        host="a.example", ingress_class="nginx", ingress_annotations=(("example.org/owner", "on"),)
    )
    notes = _of(work, "Ingress")["metadata"]["annotations"]
    assert "nginx.ingress.kubernetes.io/rewrite-target" not in notes
    assert notes["example.org/owner"] == "on"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a$b", "a$b"),
        ("$(HOME)", "$$(HOME)"),
        ("$$", "$$$$"),
        ("$$(A) $B", "$$$$(A) $$B"),
        ("$", "$"),
        ("", ""),
    ],
)
def test_a_variable_reaches_the_process_as_it_was_given(text: str, written: str) -> None:
    assert literal(text) == written
    assert expanded(written) == text


def expanded(text: str) -> str:
    """What a kubelet that knows every variable as "!" makes of *text*."""
    return re.sub(r"\$(\$|\([^)]*\))", lambda match: "$" if match[1] == "$" else "!", text)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"grace": 45}, "10 s of sleep, 1 s of linger, 30 s of drain"),
        ({"replicas": 4, "max_replicas": 3}, "at most 3"),
        ({"replicas": 1, "max_replicas": 1}, "two or more"),
        ({"scratch": "1Gi"}, "smaller /tmp"),
        ({"variables": (("MODELPACK_DRAIN", "99"),)}, "--drain"),
        ({"variables": (("MODELPACK_PORT", "99"),)}, "--port"),
        ({"variables": (("MODELPACK_ALLOWED_HOSTS", "a.b"),)}, "leave it out"),
        ({"variables": (("GUNICORN_CMD_ARGS", "--workers=4 --bind=0.0.0.0:80"),)}, "--port or --drain"),
        ({"variables": (("GUNICORN_CMD_ARGS", "-b :80"),)}, "--port or --drain"),
        ({"variables": (("GUNICORN_CMD_ARGS", "--graceful-timeout 90"),)}, "--port or --drain"),
        ({"variables": (("GUNICORN_CMD_ARGS", "--workers=4"),), "workers": 2}, "say one of them"),
        ({"variables": (("MLFLOW_MODELS_WORKERS", "4"),), "workers": 2}, "say one of them"),
        ({"variables": (("A", "1"), ("A", "2"))}, "given twice"),
        ({"secrets": ("a", "a")}, "given twice"),
        ({"tls_secret": "tls"}, "without --host"),
        ({"ingress_class": "nginx"}, "without --host"),
        ({"gateway": "public"}, "without --host"),
        ({"host": "a.b", "gateway": "public", "tls_secret": "tls"}, "its Gateway"),
        ({"kserve": True, "host": "a.b"}, "KServe"),
        ({"kserve": True, "monitor": True}, "KServe"),
        ({"app_armor": True}, "1.30"),
    ],
)
def test_values_that_contradict_one_another_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Disagreement, match=re.escape(said)) as caught:
        workload(**given)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Churn"},
        {"app": "9" * 64},
        {"app": "2048"},
        {"namespace": "a.b"},
        {"service": "1-service"},
        {"ingress": "A"},
        {"digest": "sha256:xyz"},
        {"port": 80},
        {"replicas": 0},
        {"workers": 0},
        {"cpu_target": 101},
        {"linger": -1},
        {"sleep": 0},
        {"host": "http://a.b"},
        {"host": "a.b", "gateway": "A/b"},
        {"host": "a.b", "gateway": "a/b/c"},
        {"host": "a.b", "tls_secret": "A B"},
        {"host": "a.b", "ingress_annotations": (("a b", "c"),)},
        {"allow_from": ("A",)},
        {"allow_to": ("example.org",)},
        {"secrets": ("../x",)},
        {"pull_secret": "a b"},
        {"priority_class": "A"},
        {"variables": (("A B", "c"),)},
        {"variables": (("A", "c\0"),)},
        {"variables": (("GUNICORN_CMD_ARGS", "'"),)},
        {"scratch": "1 GB"},
    ],
)
def test_no_workload_holds_a_value_outside_its_grammar(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as caught:
        workload(**given)
    assert len(str(caught.value)) <= 300


def test_only_wanted_kinds_are_made_and_others_say_when_they_would_be() -> None:
    made = bundle(workload(), kinds=["Service", "Deployment"])
    assert [one["kind"] for one in made] == ["Deployment", "Service"]
    with pytest.raises(Disagreement, match="with --host"):
        bundle(workload(), kinds=["Ingress"])


def test_kserve_has_the_same_pod_and_no_deployment() -> None:
    kinds = [one["kind"] for one in bundle(workload(kserve=True, max_replicas=5))]
    assert kinds == [
        "ServiceAccount",
        "ConfigMap",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "InferenceService",
    ]
    predictor = _of(workload(kserve=True, max_replicas=5), "InferenceService")["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (3, 5)
    assert {**predictor["containers"][0], "name": "model"} == _pod(workload())["containers"][0]
