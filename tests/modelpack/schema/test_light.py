"""What a reader of signatures pays: numpy, and nothing else."""

import subprocess
import sys

import pytest

HEAVY = {"pandas", "scipy", "sklearn", "starlette", "sqlalchemy", "pyarrow"}

IMPORT = "import sys, modelpack.schema"
WORK = """
import sys
from modelpack.schema import Schema, Signature, enforce, infer_signature
from modelpack.schema.wire import table_from_rows
signature = infer_signature({"a": 1.5, "b": "x"}, params={"k": 0.5})
signature = Signature.from_dict(signature.to_dict())
table = table_from_rows([[2.5, "y"], [None, "z"]], ["a", "b"], signature.inputs)
enforce(table, signature.inputs)
enforce([{"a": 1, "b": "x"}], signature.inputs)
"""


@pytest.mark.parametrize("program", [IMPORT, WORK], ids=["import", "work"])
def test_reading_and_enforcing_a_signature_loads_no_framework(program: str) -> None:
    program += "\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "modelpack.schema.wire" in loaded or program.startswith(IMPORT)
    assert loaded & HEAVY == set()
