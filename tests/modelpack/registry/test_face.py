"""The registry costs a database library only when one is opened, and says how to get it."""

import subprocess
import sys

import pytest

import modelpack.registry


def told_by(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "import modelpack.registry",
        "from modelpack.registry import STAGES, RegisteredModel, ModelVersion, Move, Page",
        "from modelpack.cli import cli; cli.main(['--help'], standalone_mode=False)",
        "from modelpack.cli import cli; cli.main(['models', 'list', '--help'], standalone_mode=False)",
    ],
)
def test_no_database_library_is_loaded_by(statement: str) -> None:
    code = f"import sys\n{statement}\nprint('loaded:', 'sqlalchemy' in sys.modules)"
    assert "loaded: False" in told_by(code)


def test_a_registry_without_the_library_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['sqlalchemy'] = None\nimport modelpack; modelpack.Registry()"
    assert "MissingDependency: a registry needs sqlalchemy" in told_by(code)
    assert 'pip install "modelpack[registry]"' in told_by(code)


def test_postgresql_without_its_driver_says_how_to_install_it() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "import modelpack; modelpack.Registry('postgresql://me@127.0.0.1:1/db')"
    )
    assert 'pip install "modelpack[postgres]"' in told_by(code)


def test_the_face_shows_what_it_hands_on() -> None:
    assert dir(modelpack.registry) == sorted(modelpack.registry.__all__)
    assert all(getattr(modelpack.registry, name) is not None for name in modelpack.registry.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = modelpack.registry.nothing
