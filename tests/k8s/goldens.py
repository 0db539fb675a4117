"""Streams as they should be; ``python -m tests.k8s.goldens`` names what differs, ``--renew`` writes it."""

import sys
from pathlib import Path

from k8s.bundle import bundle
from k8s.names import Amount, Image
from k8s.text import stream
from k8s.workload import Workload
from tests.k8s.making import workload

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "k8s"

SETS: dict[str, Workload] = {
    "smallest": workload(),
    "guide": workload(
        cpu=Amount("500m", "1000m"),
        memory=Amount("1Gi", "2Gi"),
        variables=(
            ("MLFLOW_MODEL_URI", "models:/churn-prediction-model/Production"),
            ("GUNICORN_CMD_ARGS", "--workers=4 --timeout=60"),
        ),
        host="churn-model.your-domain.com",
    ),
    "everything": workload(
        version=(1, 30),
        image=Image.parse("registry.example.org:5000/team/churn-model:v1.2.0@sha256:" + "cd" * 32),
        replicas=2,
        max_replicas=12,
        workers=2,
        drain=120,
        host="models.example.org",
        tls_secret="models-tls",
        ingress_class="nginx",
        ingress_annotations=(("cert-manager.io/cluster-issuer", "letsencrypt"),),
        allow_from=("web",),
        allow_to=("10.0.0.0/8:5432", "fd00::/8"),
        secrets=("store",),
        pull_secret="registry",
        priority_class="serving",
        app_armor=True,
        monitor=True,
    ),
    "gateway": workload(host="models.example.org", gateway="edge/public", monitor=True),
    "kserve": workload(kserve=True, max_replicas=5),
}


def different() -> list[str]:
    """The names of the sets whose files are not what is written now."""
    return [name for name, work in SETS.items() if not _holds(name, stream(bundle(work)))]


def _holds(name: str, text: str) -> bool:
    path = FOLDER / f"{name}.yaml"
    return path.is_file() and path.read_bytes() == text.encode()


def main(words: list[str]) -> int:
    """Name or renew what differs."""
    names = different()
    for name in names:
        print(name)
        if words == ["--renew"]:
            (FOLDER / f"{name}.yaml").write_text(stream(bundle(SETS[name])), encoding="utf-8")
    return 1 if names and not words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
