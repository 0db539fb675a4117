"""Paths, ports, variables and media types that others rely on."""

INVOCATIONS = "/invocations"
PING = "/ping"
HEALTH = "/health"
READY = "/ready"
VERSION = "/version"
OPENAPI = "/openapi.json"
DOCS = "/docs"
METRICS = "/metrics"
PAGE = "/"
ASSETS = "/assets/{name}"
V2 = "/v2"
"""The root of the Open Inference Protocol."""

GRPC_SERVICE = "inference.GRPCInferenceService"
GRPC_METHODS = (
    "ServerLive",
    "ServerReady",
    "ModelReady",
    "ServerMetadata",
    "ModelMetadata",
    "ModelInfer",
)

JSON = "application/json"
CSV = "text/csv"

REQUEST_ID = "X-Request-Id"

DEFAULT_PORT = 5000
CONTAINER_PORT = 8080
"""Where a server in an image listens, as with MLflow's images."""

CONTAINER_MODEL = "/opt/ml/model"
"""Where an image holds its model, as with MLflow's images."""

MODEL_VARIABLES = ("MODELPACK_MODEL_URI", "MLFLOW_MODEL_URI")
GUNICORN_VARIABLE = "GUNICORN_CMD_ARGS"
