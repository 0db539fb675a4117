"""A flavor whose framework is not installed says the line that installs it."""

import sys
from pathlib import Path

import pytest

from modelpack.errors import MissingDependency
from modelpack.flavors import FLAVORS
from modelpack.trust import Trust
from tests.modelpack.flavors.written import by_mlflow

FLAVORS_AND_EXTRAS = [(name, name) for name in ("catboost", "lightgbm", "onnx", "statsmodels", "xgboost")]


@pytest.mark.parametrize(("flavor", "extra"), FLAVORS_AND_EXTRAS)
def test_the_line_that_installs_a_framework_is_said(
    flavor: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = by_mlflow(tmp_path / "model", flavor, "model.bin", b"")
    monkeypatch.setitem(sys.modules, flavor, None)
    with pytest.raises(MissingDependency) as met:
        FLAVORS[flavor].load(source, Trust(pickle=True))
    assert str(met.value).endswith(f'which is not installed: pip install "modelpack[{extra}]"')
