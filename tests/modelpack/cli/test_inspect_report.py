"""``modelpack inspect --html`` and ``--open``: where the report goes, and what it never replaces."""

import stat
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from modelpack.report.page import is_page
from modelpack.report.showing import show
from tests.modelpack.cli.conftest import Verb
from tests.modelpack.report.reading import read
from tests.modelpack.small import saved


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("inspect-report") / "linear")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A desktop whose browser writes down what it is to open."""
    seen: list[str] = []

    class Browser(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
            seen.append(url)
            return True

    monkeypatch.setenv("DISPLAY", ":0")
    known: dict[str, Any] = {}
    monkeypatch.setattr(webbrowser, "_browsers", known)
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    webbrowser.register("written-down", None, Browser())
    return seen


def test_the_report_is_one_file_and_its_place_is_said(verb: Verb, model: Path, tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    told = verb("inspect", model, "--html", target)
    assert (told.code, told.out) == (0, "")
    assert told.err.startswith(f"Wrote {target} (")
    page = read(target.read_text())
    assert page.headings[0].split() == ["linear"]
    assert page.facts["Digest"] == verb("inspect", model, "--json").json["digest"]
    assert "Feature importances, coefficient for 1" in page.tables
    assert verb("inspect", model, "--html", target).code == 0


def test_programs_get_json_and_the_report_besides(verb: Verb, model: Path, tmp_path: Path) -> None:
    told = verb("inspect", model, "--json", "--html", tmp_path / "r.html")
    assert told.json["flavor"] == "sklearn"
    assert is_page(tmp_path / "r.html")


def test_the_report_goes_to_standard_output_where_that_is_asked(verb: Verb, model: Path) -> None:
    told = verb("inspect", model, "--html", "-")
    assert (told.code, told.err) == (0, "")
    assert read(told.out).facts["Flavor"] == "sklearn"
    for other in ("--json", "--open"):
        assert verb("inspect", model, "--html", "-", other).code == 2


def test_a_file_that_is_no_report_is_left_alone(verb: Verb, model: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("dear aunt")
    told = verb("inspect", model, "--html", letter)
    assert told.code == 1
    assert "is no report of modelpack" in told.err
    assert letter.read_text() == "dear aunt"


@pytest.mark.parametrize("name", ["report.html", "new/report.html", "MLmodel"])
def test_a_report_never_lies_inside_of_the_model(name: str, verb: Verb, model: Path) -> None:
    before = sorted(one.name for one in model.iterdir())
    told = verb("inspect", model, "--html", model / name)
    assert told.code == 2
    assert "inside of the model" in told.err
    assert sorted(one.name for one in model.iterdir()) == before


def test_a_place_that_cannot_be_written_is_named(verb: Verb, model: Path, tmp_path: Path) -> None:
    told = verb("inspect", model, "--html", tmp_path / "nowhere" / "r.html")
    assert told.code == 2
    assert "No such file or directory" in told.err


def test_the_report_is_opened_from_a_folder_that_is_the_persons_own(
    verb: Verb, model: Path, tmp_path: Path, opened: list[str]
) -> None:
    for _ in range(2):
        told = verb("inspect", model, "--open")
        assert told.code == 0
    (report,) = (tmp_path / "home" / "reports").iterdir()
    assert report.name.startswith("linear-")
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700
    assert opened == [report.as_uri()] * 2
    assert f"Wrote {report} (" in told.err
    verb("inspect", model, "--open", "--html", tmp_path / "here.html")
    assert opened[-1] == (tmp_path / "here.html").as_uri()


def test_where_nothing_can_be_opened_the_file_is_there_all_the_same(
    verb: Verb, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(variable, raising=False)
    assert not show(tmp_path)
    told = verb("inspect", model, "--open")
    assert told.code == 0
    assert "There is no browser here" in told.err
    assert len(list((tmp_path / "home" / "reports").iterdir())) == 1


def test_a_reference_of_the_registry_brings_its_version(verb: Verb, model: Path) -> None:
    verb("register", model, "churn", "--tag", "team=risk")
    verb("promote", "churn", "1", "Production")
    verb("alias", "set", "churn", "champion", "1")
    page = read(verb("inspect", "models:/churn@champion", "--html", "-").out)
    assert page.headings[0].split() == ["churn", "version", "1", "Production", "@champion"]
    assert page.facts["Reference"] == "models:/churn@champion"
    assert page.facts["Registered"].endswith(" UTC by ada")
    assert ["tag team", "risk"] in page.tables["Metadata"]


def test_trust_is_for_the_report_alone(verb: Verb, tmp_path: Path) -> None:
    path = saved(tmp_path / "model", format="cloudpickle")
    assert verb("inspect", path, "--trust", "pickle").code == 2
    closed = verb("inspect", path, "--html", "-").out
    assert "allow it with --trust pickle" in closed
    assert "Feature importances, coefficient" in verb("inspect", path, "--html", "-", "--trust", "pickle").out


def test_help_says_when_the_model_is_loaded(verb: Verb) -> None:
    told = " ".join(verb("inspect", "--help").out.split())
    assert "For this alone the model is loaded" in told
