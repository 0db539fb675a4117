# An image that serves one model: dependencies from a lock with hashes, then the model; no compiler, no root.
# `modelpack generate-dockerfile` writes this file and the folder around it. Where a marker stands in the template
# (a line that begins with #:) it writes lines of its own; every other line is as it stands there.
ARG BASE=registry.example.org:5000/base/python:3.12-slim@sha256:efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef
FROM ${BASE} AS build
WORKDIR /build
ARG PIP_TRUSTED_HOST="packages.example.org"
ENV PIP_CONFIG_FILE=/run/secrets/pip.conf
ENV NETRC=/run/secrets/netrc
RUN ["python", "-m", "venv", "--without-pip", "/opt/venv"]
COPY requirements.lock ./
RUN --mount=type=secret,id=pip.conf,target=/run/secrets/pip.conf --mount=type=secret,id=netrc,target=/run/secrets/netrc ["python", "-m", "pip", "--python", "/opt/venv/bin/python", "install", "--no-cache-dir", "--no-compile", "--index-url", "https://packages.example.org/simple", "--extra-index-url", "https://more.example.org/simple", "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", "requirements.lock"]
COPY wheels/ ./wheels/
RUN ["python", "-m", "pip", "--python", "/opt/venv/bin/python", "install", "--no-cache-dir", "--no-compile", "--no-index", "--no-deps", "./wheels/modelpack-0.1.0-py3-none-any.whl"]
COPY trim.py ./
RUN ["python", "trim.py", "/opt/venv"]

FROM ${BASE}
RUN ["python", "-c", "import shutil, subprocess as s, sys; s.run(['apt-get', 'update'], check=True); s.run(['apt-get', 'install', '-y', '--no-install-recommends', *sys.argv[1:]], check=True); shutil.rmtree('/var/lib/apt/lists')", "curl=7.88.1-10", "libgomp1"]
COPY --from=build /opt/venv /opt/venv
COPY image.json /opt/ml/
COPY sbom.cdx.json /opt/ml/
COPY model/ /opt/ml/model/
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    MODELPACK_IMAGE=/opt/ml/image.json \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
ENV MODELPACK_WORKERS="2" \
    TRICKY="a \"b\" \$HOME \${HOME} `id` \\ 'c' {{7*7}} #d ä"
LABEL "org.opencontainers.image.title"="churn-prediction-model" \
    "org.opencontainers.image.created"="2026-11-20T09:30:00+00:00" \
    "org.opencontainers.image.base.name"="registry.example.org:5000/base/python:3.12-slim" \
    "org.opencontainers.image.base.digest"="sha256:efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef" \
    "modelpack.model.reference"="models:/churn-prediction-model/Production" \
    "modelpack.model.digest"="sha256:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd" \
    "modelpack.engine"="auto" \
    "org.example.team"="churn \"A\" \$x" \
    "org.opencontainers.image.version"="2026.11"
WORKDIR /opt/ml
USER 65532:65532
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["python", "-I", "-m", "serving.health"]
ENTRYPOINT ["serve"]
