# An image that serves one model: dependencies from a lock with hashes, then the model; no compiler, no root.
# `modelpack generate-dockerfile` writes this file and the folder around it. Where a marker stands in the template
# (a line that begins with #:) it writes lines of its own; every other line is as it stands there.
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
WORKDIR /build
RUN ["python", "-m", "venv", "--without-pip", "/opt/venv"]
COPY requirements.lock ./
RUN ["python", "-m", "pip", "--python", "/opt/venv/bin/python", "install", "--no-cache-dir", "--no-compile", "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", "requirements.lock"]
COPY wheels/ ./wheels/
RUN ["python", "-m", "pip", "--python", "/opt/venv/bin/python", "install", "--no-cache-dir", "--no-compile", "--no-index", "--no-deps", "./wheels/modelpack-0.1.0-py3-none-any.whl"]
COPY trim.py ./
RUN ["python", "trim.py", "/opt/venv"]

FROM ${BASE}
COPY --from=build /opt/venv /opt/venv
COPY image.json /opt/ml/
COPY model/ /opt/ml/model/
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    MODELPACK_IMAGE=/opt/ml/image.json \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
LABEL "org.opencontainers.image.title"="churn-prediction-model" \
    "org.opencontainers.image.version"="3" \
    "org.opencontainers.image.created"="2026-11-20T09:30:00+00:00" \
    "org.opencontainers.image.base.name"="python:3.11-slim" \
    "modelpack.model.reference"="models:/churn-prediction-model/Production" \
    "modelpack.model.digest"="sha256:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd" \
    "modelpack.engine"="onnx"
WORKDIR /opt/ml
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["python", "-I", "-m", "serving.health"]
ENTRYPOINT ["serve"]
