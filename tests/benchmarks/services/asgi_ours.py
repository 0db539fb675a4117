"""Our application, for runners that are not ours: each worker that imports this loads the model."""

import os

from modelpack.logs import Lines
from serving.app import create_app
from serving.models import find
from serving.run.plan import Plan
from serving.run.process import STDOUT, Process
from serving.settings import Settings

_settings = Settings.read(
    {"model": os.environ["BENCHMARK_OURS"], "workers": int(os.environ["BENCHMARK_WORKERS"])}, {}
)
_source = find(_settings.model)
_process = Process(
    Plan(
        settings=_settings,
        place=str(_source.place),
        name=_source.name,
        version=_source.version,
        digest=_source.digest,
        url="",
        descriptor=-1,
    )
)
app = create_app(_process.plane, _settings, Lines(STDOUT))
