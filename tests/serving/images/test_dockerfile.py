import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.images.dockerfile import render, template
from serving.images.errors import Disagreement
from tests.serving.images.goldens import FOLDER, PLANS, different
from tests.serving.images.making import plan

LINE = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")).filter(str.isprintable), max_size=60)


def test_the_dockerfiles_are_what_the_goldens_say() -> None:
    assert different() == [], "python -m tests.serving.images.goldens --renew"


@pytest.mark.parametrize("name", PLANS)
def test_hadolint_finds_nothing_in(name: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--no-color", FOLDER / f"{name}.Dockerfile"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_is_not_blind(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN cd /tmp\nCMD python -m x\n")
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--no-color", bad], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "DL3006" in done.stdout


@pytest.mark.parametrize("name", PLANS)
def test_no_frontend_is_fetched_and_no_shell_is_needed(name: str) -> None:
    text = (FOLDER / f"{name}.Dockerfile").read_text()
    assert "syntax=" not in text
    for words in re.findall(r"^(?:RUN|CMD|ENTRYPOINT)(?: --mount=\S+)* (.*)$", text, re.MULTILINE):
        assert isinstance(json.loads(words), list)


@given(value=LINE)
def test_a_value_comes_back_as_it_was(value: str) -> None:
    words = (("A", value),)
    text = render(plan(variables=words, labels=(("a.b", value),)), template())
    assert _read(text, "ENV A=") == value
    assert _read(text, 'LABEL "org.opencontainers.image.title"') == "churn-prediction-model"
    assert _read(text, '    "a.b"=') == value


def _read(text: str, start: str) -> str:
    """The value behind *start*, as Docker reads it: a backslash makes the next character plain."""
    line = next(one for one in text.split("\n") if one.startswith(start))
    quoted = line.removeprefix(start).lstrip("=").removesuffix(" \\")
    assert quoted[0] == quoted[-1] == '"'
    inner = quoted[1:-1]
    assert not re.search(r'(?<!\\)(?:\\\\)*["$]', inner)
    return re.sub(r"\\(.)", r"\1", inner)


@given(value=st.text().filter(lambda text: "\0" not in text and not text.isprintable()))
def test_a_value_on_several_lines_is_no_part_of_the_text(value: str) -> None:
    if not _is_text(value):
        return
    one = plan(variables=(("A", value),))
    assert render(one, template()) == render(plan(), template())
    assert one.image.variables == {"A": value}


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("{{7*7}}", id="S097 jinja"),
        pytest.param("{% include '/etc/passwd' %}", id="S097 jinja's include"),
        pytest.param("${jndi:ldap://x}", id="S097 jndi"),
        pytest.param("#: base", id="a marker of the template"),
        pytest.param("$(touch x) `id`", id="S099 a shell's substitutions"),
        pytest.param("ü 日本 'a' \"b\"", id="S096 quotes, blanks, other letters"),
    ],
)
def test_the_name_of_a_model_stands_there_literally(name: str) -> None:
    text = render(plan(name=name), template())
    assert _read(text, 'LABEL "org.opencontainers.image.title"') == name
    assert "49" not in _read(text, 'LABEL "org.opencontainers.image.title"')
    assert text.count("\n") == render(plan(), template()).count("\n")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(template().replace("#: labels\n", ""), id="missing"),
        pytest.param(template() + "#: labels\n", id="twice"),
        pytest.param(template() + "#: shell\n", id="unknown"),
    ],
)
def test_a_template_whose_markers_are_wrong_is_refused(broken: str) -> None:
    with pytest.raises(Disagreement):
        render(plan(), broken)
