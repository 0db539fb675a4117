import pytest

from serving.images import names
from serving.images.errors import InvalidValue

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    "text",
    [
        "python:3.11-slim",
        f"python:3.11-slim@{DIGEST}",
        f"python@{DIGEST}",
        f"python:latest@{DIGEST}",
        "registry.example.org:5000/team/base__x:v1.2.0",
        "localhost/base:1",
    ],
)
def test_a_base_is_a_tag_that_stays_or_a_digest(text: str) -> None:
    assert names.base("--base", text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "python",
        "python:latest",
        "Python:3.11",
        "python:3.11 AS x",
        "python:3.11\nRUN id",
        "python:3.11$(id)",
        "${BASE}",
        "--platform=x",
        "../base:1",
        f"python:3.11@{DIGEST}0",
        f"python:3.11@{DIGEST.upper()}",
        "python:3.11@md5:" + "0" * 32,
        "a/" * 130 + "b:1",
    ],
)
def test_another_base_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="--base"):
        names.base("--base", text)


def test_the_digest_of_a_base_is_found() -> None:
    assert names.digest_of(f"python:3.11-slim@{DIGEST}") == DIGEST
    assert names.digest_of("python:3.11-slim") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [("churn", "churn:latest"), ("churn-model:v1", "churn-model:v1"), ("r.io:5000/a/b:x", "r.io:5000/a/b:x")],
)
def test_a_target_has_a_tag(text: str, name: str) -> None:
    assert names.target("-n", text) == name


@pytest.mark.parametrize(
    "text", ["", "Churn:1", "churn:1;id", "churn:$(id)", "-t x", f"churn@{DIGEST}", "a b:1"]
)
def test_another_target_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        names.target("-n", text)


@pytest.mark.parametrize("text", ["libgomp1", "libgomp1=12.2.0-14+deb12u1", "g++", "libssl3=1:3.0.9~rc1"])
def test_system_packages(text: str) -> None:
    assert names.system_package("--system-package", text) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("curl; id", id="S094 a second command"),
        pytest.param("-o APT::Get::AllowUnauthenticated=true", id="S094 an option"),
        pytest.param("-oDpkg::Pre-Invoke::=id", id="S094 an option without blanks"),
        pytest.param("$(id)", id="S094 a substitution"),
        pytest.param("curl=1 && id", id="S094 a list"),
        "`id`",
        "curl\nid",
        "",
        "Curl",
        "./x.deb",
    ],
)
def test_what_is_no_system_package_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        names.system_package("--system-package", text)


@pytest.mark.parametrize("text", ["scipy==1.17.1", "pandas[parquet]>=2", "numpy"])
def test_requirements(text: str) -> None:
    assert str(names.requirement("--extra-requirements", text)) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("curl; id", id="S094 a second command"),
        pytest.param("-o APT::x", id="S094 an option"),
        pytest.param("$(id)", id="S094 a substitution"),
        "--index-url https://evil.example",
        "-r /etc/passwd",
        "x @ https://evil.example/x.whl",
        "./here",
        "numpy\n--index-url https://evil.example",
        "",
    ],
)
def test_what_is_no_requirement_by_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        names.requirement("--extra-requirements", text)


@pytest.mark.parametrize("text", ["OMP_NUM_THREADS", "_x", "A1", "MODELPACK_MONKEY"])
def test_variables(text: str) -> None:
    assert names.variable("--env", text) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("A\nRUN id", id="S095 an instruction"),
        pytest.param("A B", id="S095 a blank"),
        pytest.param("=", id="S095 an equals sign"),
        "",
        "1A",
        "A-B",
        "A$B",
        "Ä",
        "A" * 254,
        "DB_PASSWORD",
        "aws_secret_access_key",
        "GITHUB_TOKEN",
        "MY_API_KEY",
    ],
)
def test_what_is_no_name_of_a_variable_or_a_secret_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        names.variable("--env", text)


@pytest.mark.parametrize(
    "text", ["", "a b", "a\nb", 'a"b', "$HOME", "a\\b", "ä {{7*7}}", "http://host/path@x"]
)
def test_values_are_any_text(text: str) -> None:
    assert names.value("--env A", text) == text


@pytest.mark.parametrize(
    "text", ["a\0b", "\udc80", "x" * 131073, "https://ada:pw@host/", "https://tok3n@host/simple"]
)
def test_what_no_process_can_be_given_or_is_a_password_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        names.value("--env A", text)
    assert "pw" not in str(caught.value)
    assert "tok3n" not in str(caught.value)


@pytest.mark.parametrize("text", ["org.example.team", "team", "a-b/c_d", "modelpack.model.digest"])
def test_labels(text: str) -> None:
    assert names.label("--label", text) == text


@pytest.mark.parametrize("text", ["", "a b", "a..b", "a=b", 'a"b', "a\nb", ".a", "a$b", "a" * 254])
def test_what_is_no_key_of_a_label_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        names.label("--label", text)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x1b[31m", "a\u2028b"])
def test_the_value_of_a_label_stands_on_one_line(text: str) -> None:
    with pytest.raises(InvalidValue):
        names.line("--label a", text)


@pytest.mark.parametrize(
    "text", ["https://packages.example.org/simple", "http://localhost:8081/root/+simple/"]
)
def test_indexes(text: str) -> None:
    assert names.index("--index-url", text) == text


@pytest.mark.parametrize(
    "text",
    [
        "packages.example.org",
        "file:///srv",
        "ftp://host/",
        "https://ada:pw@host/simple",
        "https://ada@host/simple",
        "https://host/a b",
        "https://host/$(id)",
        'https://host/"',
        "https://host/\nRUN id",
        "https://host:99999999/",
        "https://hôst/",
        "https:///x",
    ],
)
def test_what_is_no_index_or_holds_a_password_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        names.index("--index-url", text)


@pytest.mark.parametrize("number", [0, 80, 1023, 65536, -1])
def test_a_port_needs_no_privileges(number: int) -> None:
    with pytest.raises(InvalidValue):
        names.port("--port", number)
    assert names.port("--port", 8080) == 8080


def test_platforms_and_pythons_are_few() -> None:
    assert names.platform("--platform", "linux/arm64") == "linux/arm64"
    assert names.python("--python", "3.12.4") == "3.12"
    for text in ("windows/amd64", "linux/amd64 --x", ""):
        with pytest.raises(InvalidValue):
            names.platform("--platform", text)
    for text in ("3.10", "3", "3.11;id", ""):
        with pytest.raises(InvalidValue):
            names.python("--python", text)
