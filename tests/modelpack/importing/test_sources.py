"""What can be imported from is told by its name, and what it holds is read without trust."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from modelpack.errors import InvalidModel, InvalidUri, ModelpackError, NotFound
from modelpack.importing import open_source


def test_a_folder_a_file_and_a_server_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    with closing(sqlite3.connect(tmp_path / "m.db")) as connection:
        connection.execute("CREATE TABLE registered_models (name TEXT)")
    for text in (str(tmp_path / "mlruns"), f"file://{tmp_path}/mlruns", f"sqlite:///{tmp_path}/m.db"):
        with closing(open_source(text, environ={"MODELPACK_HOME": str(tmp_path)})) as source:
            assert list(source.models()) == []
    with closing(open_source("http://me:c4nary@127.0.0.1:1", environ={})) as source:
        assert source.name == "http://127.0.0.1:1"


@pytest.mark.parametrize("text", ["postgresql://u:c4nary@h/db", "mysql://u:c4nary@h/db", "s3://b/mlruns", ""])
def test_other_sources_are_refused(text: str) -> None:
    with pytest.raises(InvalidUri) as caught:
        open_source(text, environ={})
    assert "c4nary" not in str(caught.value)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_source(str(tmp_path / "none"), environ={})


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_file_that_is_no_database_of_mlflows_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.db").write_bytes(content)
    environ = {"MODELPACK_HOME": str(tmp_path)}
    with closing(open_source(str(tmp_path / "m.db"), environ=environ)) as source, pytest.raises(InvalidModel):
        list(source.models())


@pytest.mark.parametrize(
    "meta",
    [b"!!python/object/apply:os.system ['id']", b"- a list", b"a: &a [*a]", b"\xff\xfe", b"x" * 2_000_000],
)
def test_a_document_with_traps_is_refused(meta: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "m"
    folder.mkdir(parents=True)
    (folder / "meta.yaml").write_bytes(meta)
    environ = {"MODELPACK_HOME": str(tmp_path)}
    with closing(open_source(str(tmp_path), environ=environ)) as source, pytest.raises(ModelpackError):
        list(source.models())


def test_a_tag_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "m"
    (folder / "tags").mkdir(parents=True)
    (folder / "meta.yaml").write_text("name: m\n")
    (folder / "tags" / "secret").symlink_to("/etc/passwd")
    environ = {"MODELPACK_HOME": str(tmp_path)}
    with closing(open_source(str(tmp_path), environ=environ)) as source, pytest.raises(InvalidModel):
        list(source.models())
