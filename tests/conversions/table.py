"""The table of what converts, in the README between two marks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from skl2onnx._supported_operators import sklearn_operator_name_map

from tests.conversions.trial import CERTIFIED, DIFFERS, NO_FORM, NOTHING, ROWS, Finding, Result

README = Path(__file__).resolve().parents[2] / "modelpack/onnx/README.md"
BEGIN, END = "<!-- conversions: begin -->", "<!-- conversions: end -->"

_USUAL_LIMIT = 1e30
"""Beyond that hardly a model computes at all."""

_WHY: Mapping[str, str] = {
    "CountVectorizer": "splits text into words by a pattern, for which ONNX has no operator of its own",
    "HashingVectorizer": "splits text into words by a pattern, for which ONNX has no operator of its own",
    "TfidfVectorizer": "splits text into words by a pattern, for which ONNX has no operator of its own",
    "DictionaryLearning": "solves a problem of its own for each row",
    "GaussianProcessClassifier": "skl2onnx converts it for two classes only",
    "KNNImputer": "skl2onnx converts it in float32 only, and needs operators that are not ONNX's own",
    "LatentDirichletAllocation": "solves a problem of its own for each row",
    "MiniBatchDictionaryLearning": "solves a problem of its own for each row",
    "MiniBatchNMF": "solves a problem of its own for each row",
    "MultiOutputClassifier": "answers a list of arrays, one for each target, which no table of answers holds",
    "NMF": "solves a problem of its own for each row",
    "SparseCoder": "solves a problem of its own for each row",
}


def claimed() -> set[str]:
    """The estimators that skl2onnx says it converts."""
    return {class_.__name__ for class_ in sklearn_operator_name_map}


def remark(result: Result) -> str:
    """What became of it, in one line."""
    if result.reason:
        return result.reason
    return "; ".join(f"{name}: {_short(one)}" for name, one in result.methods.items())


def write(path: Path, results: Sequence[Result], *, kinds: Sequence[str]) -> None:
    """Put the table of *results* between the marks of the file *path*."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = "\n".join(markdown(results, kinds=kinds))
    path.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")


def read(path: Path) -> dict[tuple[str, str], str]:
    """The verdict of each estimator and method that the table of the file *path* tells."""
    found: dict[tuple[str, str], str] = {}
    verdict = ""
    text = path.read_text(encoding="utf-8")
    for line in text[text.index(BEGIN) : text.index(END)].splitlines():
        if heading := re.match(r"\*\*(.+?)\*\*", line):
            verdict = _HEADINGS.get(heading[1], verdict)
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            for method in cells[1].split(", "):
                found[cells[0].strip("`* "), method.strip("`")] = verdict
    return found


_HEADINGS = {"Certified": CERTIFIED, "Converted and different": DIFFERS, "Not converted": NO_FORM}


def markdown(results: Sequence[Result], *, kinds: Sequence[str]) -> Iterator[str]:
    """The tables, line by line."""
    known = claimed()
    counts = {one: sum(result.verdict == one for result in results) for one in (CERTIFIED, DIFFERS, NO_FORM)}
    asked = sum(counts.values())
    yield (
        f"scikit-learn {version('scikit-learn')}, skl2onnx {version('skl2onnx')}, onnxruntime "
        f"{version('onnxruntime')}; {ROWS} rows for each and what its kind adds. Of {len(results)} "
        f"estimators {asked} can be asked something: {counts[CERTIFIED]} are certified for all of it, "
        f"{counts[DIFFERS]} differ somewhere, {counts[NO_FORM]} are not converted somewhere. "
        "A star marks what skl2onnx claims to convert."
    )
    yield ""
    yield "By kind (an estimator may be of several):"
    yield ""
    yield "| kind | asked | certified |"
    yield "|---|---|---|"
    for kind in kinds:
        mine = [one for one in results if kind in one.kinds and one.verdict != NOTHING]
        yield f"| {kind} | {len(mine)} | {sum(one.verdict == CERTIFIED for one in mine)} |"
    yield ""
    yield "**Certified**"
    yield ""
    yield "| estimator | methods | form | largest difference | up to |"
    yield "|---|---|---|---|---|"
    for result in results:
        found = {name: one for name, one in result.methods.items() if one.verdict == CERTIFIED}
        if found:
            first = next(iter(found.values()))
            worst = max(one.worst or 0.0 for one in found.values())
            yield _row(_name(result, known), _methods(found), first.form, _number(worst), _limit(first))
    yield ""
    yield from _others(results, known)
    yield ""
    yield "**Nothing to ask**"
    yield ""
    for reason, names in sorted(_reasons(results).items()):
        yield f"- {', '.join(f'`{name}`' for name in names)}: {reason}"


def _others(results: Sequence[Result], known: set[str]) -> Iterator[str]:
    yield "**Converted and different**: answered by the native model"
    yield ""
    yield "| estimator | method | largest difference | first in | why |"
    yield "|---|---|---|---|---|"
    for result in results:
        for name, one in result.methods.items():
            if one.verdict == DIFFERS:
                worst = "not a number, or a label" if one.worst is None else _number(one.worst)
                yield _row(_name(result, known), f"`{name}`", worst, one.first, _why(result, one))
    yield ""
    yield "**Not converted**: answered by the native model"
    yield ""
    yield "| estimator | methods | why |"
    yield "|---|---|---|"
    for result in results:
        mine = {name: one for name, one in result.methods.items() if one.verdict == NO_FORM}
        if mine:
            yield _row(_name(result, known), _methods(mine), _why(result, next(iter(mine.values()))))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _name(result: Result, known: set[str]) -> str:
    return f"`{result.name}`{' *' if result.name in known else ''}"


def _methods(found: Mapping[str, Finding]) -> str:
    return ", ".join(f"`{name}`" for name in found)


def _number(value: float) -> str:
    return "none" if value == 0 else f"{value:.0e}"


def _limit(one: Finding) -> str:
    return "" if one.limit is None or one.limit >= _USUAL_LIMIT else f"{one.limit:.0e}"


def _why(result: Result, one: Finding) -> str:
    if one.verdict == DIFFERS and result.name.startswith("RadiusNeighbors"):
        return "the graph of skl2onnx fails in the runtime"
    if one.verdict == NO_FORM and result.name in _WHY:
        return _WHY[result.name]
    if "MissingShapeCalculator" in one.why:
        return "no converter, here or in skl2onnx"
    # Of the three forms that were tried the first tells most.
    first = one.why.removeprefix("exact: ").partition("; float64: ")[0]
    text = " ".join(first.replace("|", "/").split())
    return text if len(text) <= 160 else f"{text[:157]}..."


def _reasons(results: Sequence[Result]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for result in results:
        if result.verdict == NOTHING:
            found.setdefault(result.reason, []).append(result.name)
    return found


def _short(one: Finding) -> str:
    if one.verdict == CERTIFIED:
        return f"{one.form} {one.worst:.1e}{f' up to {one.limit:g}' if one.limit else ''}"
    return f"{one.verdict} {one.worst} {one.why[:150]}"
