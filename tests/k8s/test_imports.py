"""The room knows the toolkit and the server's contract, and no client of Kubernetes."""

import ast
import sys
from pathlib import Path

import k8s

FOLDER = Path(k8s.__file__).parent


def _imported() -> set[str]:
    names: set[str] = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{one.name}" for one in node.names}
    return names


def test_of_the_server_only_its_contract_is_known() -> None:
    served = {name for name in _imported() if name.startswith("serving")}
    assert served == {"serving.contract"}


def test_nothing_else_is_imported_than_click_and_yaml() -> None:
    outside = {name.partition(".")[0] for name in _imported()} - set(sys.stdlib_module_names)
    assert outside == {"click", "yaml", "k8s", "modelpack", "serving"}
