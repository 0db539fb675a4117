"""torch is found before a test module here imports it."""

from tests.torch.environment import require_torch

require_torch()
