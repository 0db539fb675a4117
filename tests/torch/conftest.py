"""torch is found before a test module here imports it; what takes long to make is made once."""

from pathlib import Path

import pytest

import modelpack
from modelpack.proof import Effort
from tests.torch.environment import require_torch

require_torch()


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of ``net`` over an array, certified in the directory that it was saved to."""
    from tests.torch.small import net, rows  # here and not above: it imports torch, which is found now

    path = tmp_path_factory.mktemp("certified") / "array"
    modelpack.save(net(), path, input_example=rows()[:2], requirements=[], certify=False)
    modelpack.certify(str(path), effort=Effort(1_500, 4), trust=modelpack.Trust())
    return path
