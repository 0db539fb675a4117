"""The variables of ours, of MLflow's and of OpenTelemetry's that are set, without a secret."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from modelpack.cli.doctor.finding import Finding, Patient
from modelpack.errors import shorten

SHOWN: Final = frozenset(
    [
        "MODELPACK_ALLOWED_HOSTS",
        "MODELPACK_ALLOW_REMOTE",
        "MODELPACK_ARTIFACTS_DESTINATION",
        "MODELPACK_ARTIFACT_LIMIT",
        "MODELPACK_ARTIFACT_ROOT",
        "MODELPACK_BACKEND_STORE_URI",
        "MODELPACK_BATCH_ROWS",
        "MODELPACK_BATCH_WAIT",
        "MODELPACK_BODY_LIMIT",
        "MODELPACK_BODY_TIMEOUT",
        "MODELPACK_CACHE_BYTES",
        "MODELPACK_CERTIFY_ROWS",
        "MODELPACK_COERCE",
        "MODELPACK_CORS_ALLOWED_ORIGINS",
        "MODELPACK_DEPTH_LIMIT",
        "MODELPACK_DOWNLOAD_SECONDS",
        "MODELPACK_DRAIN",
        "MODELPACK_ENGINE",
        "MODELPACK_GRPC_PORT",
        "MODELPACK_HEADER_TIMEOUT",
        "MODELPACK_HOME",
        "MODELPACK_HOST",
        "MODELPACK_IMAGE",
        "MODELPACK_KEEP_ALIVE",
        "MODELPACK_LINGER",
        "MODELPACK_MAX_CONCURRENCY",
        "MODELPACK_METHOD",
        "MODELPACK_MODEL_URI",
        "MODELPACK_NO_PAGE",
        "MODELPACK_PAGES",
        "MODELPACK_PATIENCE",
        "MODELPACK_PORT",
        "MODELPACK_REGISTRY_URI",
        "MODELPACK_REQUIREMENTS_TIMEOUT",
        "MODELPACK_REQUIRE_AUTH",
        "MODELPACK_SCORING_SERVERS",
        "MODELPACK_SERVING_PLAN",
        "MODELPACK_SHARED_FOLDERS",
        "MODELPACK_SIGNED_ADDRESSES",
        "MODELPACK_THREADS",
        "MODELPACK_TIMEOUT",
        "MODELPACK_TRACKING_URI",
        "MODELPACK_TRUST",
        "MODELPACK_USER",
        "MODELPACK_USE_CACHED",
        "MODELPACK_WORKERS",
        "MLFLOW_ALLOW_MODEL_CODE_EXECUTION",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION",
        "MLFLOW_ARTIFACTS_DESTINATION",
        "MLFLOW_BACKEND_STORE_URI",
        "MLFLOW_DEFAULT_ARTIFACT_ROOT",
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD",
        "MLFLOW_EXPERIMENT_ID",
        "MLFLOW_EXPERIMENT_NAME",
        "MLFLOW_HOST",
        "MLFLOW_MODELS_WORKERS",
        "MLFLOW_MODEL_URI",
        "MLFLOW_PORT",
        "MLFLOW_REGISTRY_URI",
        "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT",
        "MLFLOW_RUN_ID",
        "MLFLOW_S3_ENDPOINT_URL",
        "MLFLOW_S3_IGNORE_TLS",
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT",
        "MLFLOW_SERVER_ALLOWED_HOSTS",
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
        "MLFLOW_TRACKING_CLIENT_CERT_PATH",
        "MLFLOW_TRACKING_INSECURE_TLS",
        "MLFLOW_TRACKING_SERVER_CERT_PATH",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_WORKERS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_PROPAGATORS",
        "OTEL_SDK_DISABLED",
        "OTEL_SERVICE_NAME",
        "OTEL_TRACES_EXPORTER",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
    ]
)
"""Read by us, and fit to be shown once passwords in addresses are out. Of all others the name alone is."""

HIDDEN: Final = frozenset({"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"})
"""Read by us, and never shown."""

_SECRET = re.compile(r"SECRET|PASSW|PASSPHRASE|TOKEN|CREDENTIAL|USERNAME|KEY|SIG")
_QUERY = re.compile(r"[?&]([^=&\s]+)=([^&\s]+)")
_LEAST: Final = 4
"""Characters of a text that is worth looking for; a shorter one stands everywhere."""


def look(patient: Patient) -> Iterator[Finding]:
    """A finding for each variable, by name."""
    for name in sorted(patient.environ):
        if name.startswith(("MODELPACK_", "MLFLOW_", "OTEL_")) and patient.environ[name]:
            yield _of(name, patient.environ[name])


def _of(name: str, value: str) -> Finding:
    told = f"{name}={shorten(masked(value), 160)}" if name in SHOWN else f"{name} is set"
    if name.startswith("MODELPACK_") and name not in SHOWN:
        near = difflib.get_close_matches(name, SHOWN, n=1)
        do = f"did you mean {near[0]}?" if near else "unset it"
        return Finding("variable", "warning", f"{shorten(told, 160)}, and nothing here reads it", do)
    if name == "MLFLOW_TRACKING_INSECURE_TLS" and value.strip().lower() in ("true", "1"):
        do = "set MLFLOW_TRACKING_SERVER_CERT_PATH instead"
        return Finding("variable", "warning", f"{told}: anyone can claim to be the server", do)
    return Finding("variable", "ok", shorten(told, 240))


def masked(value: str) -> str:
    """*value* without the name and password of an address, and without its query."""
    return re.sub(r"\?\S*", "?…", re.sub(r"//\S*@", "//…@", value))


def secrets(environ: Mapping[str, str]) -> list[str]:
    """Texts that must not be shown, wherever they come from; the longest first."""
    found = set()
    for name, value in environ.items():
        if _SECRET.search(name.upper()):
            found.add(value.strip())
        if name.upper().endswith("_HEADERS"):
            found.update(_of_headers(value))
        found.update(re.findall(r"//[^\s/:@]*:(\S+)@", value))
        found.update(text for name, text in re.findall(_QUERY, value) if _SECRET.search(name.upper()))
    return sorted((one for one in found if len(one) >= _LEAST), key=len, reverse=True)


def _of_headers(value: str) -> Iterator[str]:
    """All of ``name=value,…`` as OpenTelemetry writes headers, and its parts, also where it is malformed."""
    yield value.strip()
    for item in value.split(","):
        for text in (item.strip(), unquote(item).strip()):
            word = text.partition("=")[2].strip()
            # What stands before the space is such as "Bearer", which is no secret.
            yield from (text, word, text.rpartition(" ")[2])


def scrubbed(text: str, hidden: list[str]) -> str:
    """*text* without any of the texts *hidden*."""
    for one in hidden:
        text = text.replace(one, "…")
    return text
