"""The tables of what MLflow wrote and how it is answered, in the README of this room between two marks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.compat.reading.corpus import FLAVORS, Model
from tests.compat.reading.findings import STRICT, Finding
from tests.compat.reading.scoring import Comparison
from tests.compat.reading.strict import CASES, MODES, case_of
from tests.compat.real_mlflow import ENVIRONMENTS

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def markdown(
    unasked: Mapping[Model, Sequence[str]], found: Sequence[Finding], compared: Sequence[Comparison]
) -> str:
    """All between the marks."""
    parts = [_models(unasked, found), _bodies(compared), _cases(compared)]
    return "\n\n".join("\n".join(part) for part in parts)


def write(path: Path, text: str) -> None:
    """Put *text* between the marks of the file *path*."""
    before, after = (
        path.read_text(encoding="utf-8").split(BEGIN)[0],
        path.read_text(encoding="utf-8").split(END)[1],
    )
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def read(path: Path) -> str:
    """What stands between the marks."""
    text = path.read_text(encoding="utf-8")
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


def _models(unasked: Mapping[Model, Sequence[str]], found: Iterable[Finding]) -> Iterator[str]:
    versions = sorted(ENVIRONMENTS, key=lambda version: tuple(map(int, version.split("."))))
    rows: dict[tuple[str, str], dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        rows[one.model.flavor, one.model.kind][one.model.version].append(one)
    yield f"| flavor | signature | trust | {' | '.join(f'MLflow {version}' for version in versions)} |"
    yield "|---|---|---|" + "---|" * len(versions)
    for flavor, kind in sorted(rows, key=lambda row: (FLAVORS.index(row[0]), row[1])):
        cells = rows[flavor, kind]
        words = {word for group in cells.values() for one in group for word in one.model.needs}
        states = [_state(cells[version], unasked) for version in versions]
        yield f"| {flavor} | {kind} | {', '.join(f'`{word}`' for word in sorted(words)) or 'none'} | " + (
            " | ".join(states) + " |"
        )
    total = [_state([one for one in found if one.model.version == version], unasked) for version in versions]
    yield f"| all | | | {' | '.join(total)} |"
    yield ""
    yield "Predicted otherwise, on purpose:"
    yield ""
    yield from (f"- `{name}`: {reason}" for name, reason in STRICT.items())


def _state(group: Sequence[Finding], unasked: Mapping[Model, Sequence[str]]) -> str:
    """Such as ``5: 5 load, 4 same, 3 ask``."""
    if not group:
        return "-"
    loads = sum(not one.fault for one in group)
    same = sum(one.same for one in group)
    asks = sum(bool(one.model.needs) and not unasked[one.model] for one in group)
    return f"{len(group)}: {loads} load, {same} same, {asks} ask"


def _bodies(compared: Sequence[Comparison]) -> Iterator[str]:
    yield "| bodies | asked | same | listed case | same with `--coerce mlflow` | listed case |"
    yield "|---|---|---|---|---|---|"
    families = list(dict.fromkeys(one.body.family for one in compared))
    for family in [*families, ""]:
        chosen = [one for one in compared if family in ("", one.body.family)]
        counts = []
        for mode in MODES:
            differ = sum(one.differs(mode) for one in chosen)
            counts += [f"{len(chosen) - differ:,}", f"{differ:,}"]
        yield f"| {family or 'all'} | {len(chosen):,} | {' | '.join(counts)} |"


def _cases(compared: Iterable[Comparison]) -> Iterator[str]:
    seen: Counter[tuple[str, str]] = Counter()
    for one in compared:
        for mode in MODES:
            if one.differs(mode):
                case = case_of(one.model.name, one.body.name, mode, one.theirs, one.ours[mode])
                seen[case.name if case else "not listed", mode] += 1
    yield "| listed case | here, and why not as MLflow | MLflow | here | times | with `--coerce mlflow` |"
    yield "|---|---|---|---|---|---|"
    for case in CASES:
        counts = " | ".join(f"{seen[case.name, mode]:,}" if mode in case.modes else "-" for mode in MODES)
        ours = ", ".join(str(status) for status in case.ours)
        theirs = "200, other" if case.theirs == 200 and 200 in case.ours else case.theirs
        yield f"| {case.name} | {case.reason} | {theirs} | {ours} | {counts} |"
