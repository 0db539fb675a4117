"""requirements.txt, conda.yaml and python_env.yaml."""

import platform
from pathlib import Path

import pytest

from modelpack.directory import environment
from modelpack.errors import InvalidModel


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    environment.write(tmp_path, ["numpy==2.4.6", "scikit-learn==1.9.1"])
    assert environment.read(tmp_path) == environment.Environment(
        platform.python_version(), ("numpy==2.4.6", "scikit-learn==1.9.1")
    )
    assert (tmp_path / "requirements.txt").read_text() == "numpy==2.4.6\nscikit-learn==1.9.1"
    conda = (tmp_path / "conda.yaml").read_text()
    assert conda.startswith(
        f"channels:\n- conda-forge\ndependencies:\n- python={platform.python_version()}\n- pip"
    )
    assert conda.endswith("- pip:\n  - numpy==2.4.6\n  - scikit-learn==1.9.1\nname: mlflow-env\n")
    assert (tmp_path / "python_env.yaml").read_text().endswith("dependencies:\n- -r requirements.txt\n")


def test_a_folder_without_the_files_says_nothing(tmp_path: Path) -> None:
    assert environment.read(tmp_path) == environment.Environment(None, ())


HOSTILE = [
    "--index-url http://evil",
    "--extra-index-url=http://evil",
    "-r /etc/passwd",
    "-c ../constraints.txt",
    "-e .",
    ".",
    "./wheel.whl",
    "git+https://host/x",
    "pkg @ file:///x",
    "pkg @ https://host/x.whl",
    "pkg; touch /tmp/p",
    "pkg`id`",
    "pkg $(id)",
    "pkg==1 --hash=sha256:00",
    "pkg==1\\",
    "pkg\tother",
    "pkg\x00",
    "pkg\u2028other",
    "p\u0430ckage==1",
    "a b",
]


@pytest.mark.parametrize("line", [*HOSTILE, "a==1\nb==2", "a==1\n", ""])
def test_a_requirement_is_a_name_and_versions_or_refused(line: str) -> None:
    with pytest.raises(InvalidModel, match="requirement"):
        environment.check_requirement(line)


@pytest.mark.parametrize("line", HOSTILE)
def test_a_hostile_line_of_a_file_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"numpy==1\n{line}\n")
    with pytest.raises(InvalidModel, match="requirement"):
        environment.read(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "numpy==2.4.6",
        "torch==2.0+cu118",
        "a[b,c]~=1.0",
        "numpy>=1,<3; python_version < '3.13'",
        " a==1 ",
    ],
)
def test_plain_requirements_pass(line: str) -> None:
    assert environment.check_requirement(line).url is None


def test_comments_blank_lines_and_constraints_beside_it_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# note\n\n-c constraints.txt\r\nnumpy==1\r\n")
    assert environment.read(tmp_path).requirements == ("numpy==1",)


@pytest.mark.parametrize(
    "python", ["3.12; id", "3.12$(id)", "3.12\\n", "4.1", "3", "latest", "3.1111", "-3.1", "''"]
)
def test_a_python_version_has_its_grammar(tmp_path: Path, python: str) -> None:
    (tmp_path / "python_env.yaml").write_text(f'python: "{python}"\n')
    with pytest.raises(InvalidModel, match="no version of Python"):
        environment.read(tmp_path)


def test_an_unquoted_version_is_refused_because_yaml_has_lost_its_zero(tmp_path: Path) -> None:
    (tmp_path / "python_env.yaml").write_text("python: 3.10\n")
    with pytest.raises(InvalidModel, match=r"3\.1 is no version"):
        environment.read(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "name: $(id)",
        "name: a; id",
        "channels: ['http://evil;id']",
        "channels: conda-forge",
        "dependencies: ['python=3.12; id']",
        "dependencies: ['python=3.12.1 --yes']",
        "dependencies: [{pip: ['-r /etc/passwd']}]",
        "dependencies: [{pip: ['a==1'], npm: [x]}]",
        "dependencies: [{npm: [x]}]",
        "dependencies: [1]",
    ],
)
def test_a_conda_file_has_its_grammar(tmp_path: Path, text: str) -> None:
    (tmp_path / "conda.yaml").write_text(text)
    with pytest.raises(InvalidModel):
        environment.read(tmp_path)


@pytest.mark.parametrize(
    "text", ["build_dependencies: ['pip; id']", "dependencies: ['-r ../x.txt']", "dependencies: x"]
)
def test_a_python_env_file_has_its_grammar(tmp_path: Path, text: str) -> None:
    (tmp_path / "python_env.yaml").write_text(text)
    with pytest.raises(InvalidModel):
        environment.read(tmp_path)


def test_the_python_of_a_conda_file_will_do(tmp_path: Path) -> None:
    (tmp_path / "conda.yaml").write_text(
        "channels: [conda-forge]\n"
        "dependencies: [python=3.10.4, pip<=23.2.1, {pip: [numpy==1]}]\n"
        "name: mlflow-env\n"
    )
    assert environment.read(tmp_path).python == "3.10.4"


def test_without_requirements_txt_the_others_tell_as_with_mlflow(tmp_path: Path) -> None:
    (tmp_path / "conda.yaml").write_text(
        "channels: [defaults]\n"
        "dependencies: [python=3.8.10, libgomp>=1, 'pip<=23.1', {pip: [numpy==1, -c constraints.txt]}]\n"
    )
    (tmp_path / "constraints.txt").write_text("scipy<2\n")
    assert environment.read(tmp_path) == environment.Environment(
        "3.8.10", ("numpy==1",), ("scipy<2",), conda=("libgomp>=1",)
    )
    (tmp_path / "python_env.yaml").write_text("python: 3.9.1\ndependencies: [joblib==2]\n")
    assert environment.read(tmp_path) == environment.Environment("3.9.1", ("joblib==2",))
    (tmp_path / "requirements.txt").write_text("six\n")
    assert environment.read(tmp_path) == environment.Environment("3.9.1", ("six",))


@pytest.mark.parametrize("line", [*(one for one in HOSTILE if one.isprintable())])
def test_what_names_sources_is_told_apart_where_that_is_asked(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"numpy==1\n{line}\n")
    found = environment.read(tmp_path, sources=True)
    assert (found.requirements, found.sources) == (("numpy==1",), (line,))


@pytest.mark.parametrize("line", [one for one in HOSTILE if not one.isprintable()])
def test_what_no_line_can_be_is_refused_in_any_case(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"numpy==1\n{line}\n")
    with pytest.raises(InvalidModel, match="requirement"):
        environment.read(tmp_path, sources=True)


def test_constraints_have_the_grammar_of_requirements(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-c constraints.txt\nnumpy\n")
    (tmp_path / "constraints.txt").write_text("numpy==1\n--index-url http://evil\n")
    with pytest.raises(InvalidModel, match="requirement"):
        environment.read(tmp_path)
    assert environment.read(tmp_path, sources=True).sources == ("--index-url http://evil",)


def test_constraints_that_lead_through_a_link_are_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-c constraints.txt\nnumpy\n")
    (tmp_path / "constraints.txt").symlink_to("/etc/passwd")
    with pytest.raises(InvalidModel, match="link"):
        environment.read(tmp_path)
