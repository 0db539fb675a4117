"""Small modules, found by name from elsewhere, and data to ask them."""

import functools
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

# Threads that wait for each other are slow where other tests run beside.
torch.set_num_threads(1)


class Net(nn.Module):  # type: ignore[misc]  # torch is not where mypy looks
    """Four numbers to three scores, with what behaves otherwise in training: dropout, averages of batches."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.first = nn.Linear(4, width)
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(width, 3)

    def forward(self, x: torch.Tensor) -> Any:
        return self.last(self.drop(torch.relu(self.norm(self.first(x)))))


class Pair(nn.Module):  # type: ignore[misc]  # torch is not where mypy looks
    """A picture and some codes, by name; answers two things by name."""

    def __init__(self) -> None:
        super().__init__()
        self.see = nn.Conv2d(1, 2, 3)
        self.know = nn.Embedding(10, 2)

    def forward(self, picture: torch.Tensor, codes: torch.Tensor) -> dict[str, torch.Tensor]:
        seen = self.see(picture).mean(dim=(2, 3))
        both = seen + self.know(codes).sum(1)
        return {"scores": torch.softmax(both, -1), "label": both.argmax(-1)}


class Branching(nn.Module):  # type: ignore[misc]  # torch is not where mypy looks
    """Looks at its numbers to decide, which cannot be exported."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> Any:
        return self.last(x) if x.sum() > 0 else -self.last(x)


@functools.cache
def net() -> Net:
    """A module that has seen some rows."""
    torch.manual_seed(5)
    module = Net()
    module(torch.randn(64, 4) * 2 + 1)
    module.eval()
    return module


@functools.cache
def pair() -> Pair:
    """Made once."""
    torch.manual_seed(6)
    module = Pair()
    module.eval()
    return module


@functools.cache
def rows() -> np.ndarray:
    """float32 [6, 4]."""
    return np.random.default_rng(7).normal(size=(6, 4)).astype(np.float32)


@functools.cache
def frame() -> pd.DataFrame:
    """The same numbers as columns of doubles."""
    return pd.DataFrame(rows().astype(np.float64), columns=["a", "b", "c", "d"])


def asked(module: Any, *arrays: np.ndarray) -> np.ndarray:
    """What torch itself answers."""
    with torch.no_grad():
        answer: np.ndarray = module(*(torch.from_numpy(one) for one in arrays)).numpy()
    return answer
