"""The page about a saved model: its facts, as tables and bars."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from modelpack.addresses import without_password
from modelpack.directory import ModelDirectory
from modelpack.directory.document import OWN
from modelpack.engines.certificate import Certificate
from modelpack.errors import ModelpackError, shorten
from modelpack.examining import Facts
from modelpack.flavors.importances import Importances
from modelpack.onnx.files import read_report
from modelpack.onnx.report import MethodReport
from modelpack.onnx.report import Report as Parity
from modelpack.registry.records import ModelVersion
from modelpack.report import plots
from modelpack.report.certified import methods
from modelpack.report.example import grid_of
from modelpack.report.numbers import number, size
from modelpack.report.page import Html, Section, chip, code, facts, more, note, page, table, text
from modelpack.schema.telling import rows_of

LARGEST: Final = 300_000
"""Bytes of a page; whatever a model has many of is cut until it fits."""


_LATEST: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model and what there is to tell of it.

    *importances* are what its features weigh, or the sentence that says why that is not told. *version* is
    the registry's, for a *reference* that leads there.
    """

    directory: ModelDirectory
    facts: Facts
    importances: tuple[Importances, ...] | str
    reference: str
    version: ModelVersion | None = None

    @property
    def name(self) -> str:
        """The registered name, or that of the folder."""
        return self.version.name if self.version else self.directory.path.name


@dataclass(frozen=True, slots=True)
class _Limits:
    """So many *rows* of each table, and *characters* of each cell."""

    rows: int
    characters: int


_LIMITS: Final = (_Limits(200, 200), _Limits(60, 120), _Limits(15, 60))


def render(subject: Subject) -> str:
    """The page as HTML, of at most LARGEST bytes."""
    for limits in _LIMITS:
        made = _page(subject, limits)
        if len(made.encode()) <= LARGEST:
            break
    return made


def _page(subject: Subject, limits: _Limits) -> str:
    parts = (_signature, _example, _importances, _certificate, _environment, _metadata, _files)
    sections = [found for part in parts if (found := part(subject, limits)) is not None]
    version = f" version {subject.version.version}" if subject.version else ""
    lead = (
        f"<h1><bdi>{text(subject.name, 120)}</bdi> {' '.join(_chips(subject))}</h1>\n"
        f"{''.join(_problems(subject.facts, limits))}{facts(_facts(subject))}"
    )
    title = f"{shorten(subject.name, 120)}{version}"
    return page(title, kind="Report of a model", lead=lead, sections=sections)


def _chips(subject: Subject) -> Iterator[str]:
    if subject.version is not None:
        yield chip(f"version {subject.version.version}")
        if subject.version.stage not in ("", "None"):
            looks = {"Production": "good", "Staging": "care"}
            yield chip(subject.version.stage, looks.get(subject.version.stage, ""))
        yield from (chip(f"@{alias}") for alias in subject.version.aliases[:20])
    if subject.facts.problems:
        yield chip("has problems", "bad")
    if subject.facts.certified:
        yield chip("certified for ONNX", "good")


def _problems(found: Facts, limits: _Limits) -> Iterator[str]:
    shown = found.problems[: limits.rows]
    yield from (f'<p class="wrong"><strong>Problem:</strong> {text(one)}</p>' for one in shown)
    yield more(len(shown), len(found.problems), "problems")


def _facts(subject: Subject) -> Iterator[tuple[str, str]]:
    found, document, version = subject.facts, subject.directory.document, subject.version
    without = "" if found.has_manifest else " (computed now; there is no manifest)"
    yield "Digest", Html(f"{code(found.digest)}{text(without)}") if found.digest else "not known"
    yield "Reference", code(without_password(subject.reference))
    if version is not None:
        moment = datetime.fromtimestamp(min(max(version.created, 0), _LATEST) / 1000, UTC)
        yield "Registered", f"{moment:%Y-%m-%d %H:%M:%S} UTC by {version.user or 'an unknown person'}"
    writer = f"modelpack {document.writer}" if document.writer else f"MLflow {document.mlflow_version}"
    yield "Saved", f"{document.utc_time_created or 'at an unknown time'} by {writer}"
    if run := document.run_id or (version.run_id if version else ""):
        yield "Run", code(run)
    if document.model_id:
        yield "Model id", code(document.model_id)
    yield "Flavor", found.flavor or "not known"
    if found.files:
        yield "Size", f"{size(found.size)} in {len(found.files):,} files"
    yield "Trust that loading takes", _trust(found.needs)
    yield "Path", code(found.path)


def _trust(needs: tuple[str, ...] | None) -> str:
    if needs is None:
        return "not known"
    return Html(" ".join(code(f"--trust {one}", 120) for one in needs[:20])) or "nothing beyond the default"


def _signature(subject: Subject, limits: _Limits) -> Section:
    signature = subject.directory.signature
    if signature is None:
        return Section("signature", "Signature", note("The model was saved without saying what it takes."))
    titles = {"input": "What it takes", "output": "What it gives", "param": "Params"}
    by_part: dict[str, list[tuple[str, ...]]] = {part: [] for part in titles}
    counts = dict.fromkeys(titles, 0)
    for part, *row in rows_of(signature):
        counts[part] += 1
        if counts[part] <= limits.rows:
            by_part[part].append(tuple(row))
    told = []
    for part, title in titles.items():
        if rows := by_part[part]:
            listed = table(title, ("Name", "Type", "Required"), rows, longest=limits.characters)
            told.append(f"<h3>{title}</h3>{listed}{more(len(rows), counts[part], 'lines')}")
        elif part != "param":
            told.append(f"<h3>{title}</h3>{note('The model was saved without saying so.')}")
    return Section("signature", "Signature", "".join(told))


def _example(subject: Subject, limits: _Limits) -> Section | None:
    most = {"rows": 10, "columns": min(40, limits.rows), "longest": min(60, limits.characters)}
    try:
        grid = grid_of(subject.directory, **most)
    except ModelpackError as error:
        return Section("example", "Input example", f'<p class="wrong">{text(error)}</p>')
    if grid is None:
        return Section("example", "Input example", note("The model was saved without an example."))
    told = ""
    if grid.headings:
        rows = [(str(place), *row) for place, row in enumerate(_padded(grid.cells, len(grid.headings)))]
        told = table("Input example", ("Row", *grid.headings), rows, look="cells")
    else:
        told = note("The example is empty.")
    told += more(len(grid.cells), grid.rows, "rows") + more(len(grid.headings), grid.columns, "columns")
    if grid.params:
        told += f"<h3>Its params</h3><pre>{text(grid.params, 1_000)}</pre>"
    return Section("example", "Input example", told)


def _padded(cells: Iterable[tuple[str, ...]], wide: int) -> Iterator[tuple[str, ...]]:
    return ((*row, *("" for _ in range(wide - len(row)))) for row in cells)


_BARS: Final = 30
_GROUPS: Final = 6


def _importances(subject: Subject, limits: _Limits) -> Section:
    title = "Feature importances"
    if isinstance(subject.importances, str):
        return Section("importances", title, note(subject.importances))
    most = min(_BARS, limits.rows)
    told = []
    for one in subject.importances[:_GROUPS]:
        # The greatest first; what is no number at all comes last.
        ranked = sorted(one.values, key=lambda pair: -abs(pair[1]) if math.isfinite(pair[1]) else math.inf)
        named = f"{one.kind} for {shorten(one.group, 60)}" if one.group else one.kind
        told.append(f"<h3>{text(named)}</h3>")
        longest = min(80, limits.characters)
        told.append(plots.bars(f"{title}, {named}", ("Feature", "Value"), ranked[:most], longest=longest))
        told.append(more(len(ranked[:most]), len(ranked), "features"))
    told.append(more(min(_GROUPS, len(subject.importances)), len(subject.importances), "classes"))
    return Section("importances", title, "".join(told))


def _certificate(subject: Subject, limits: _Limits) -> Section:
    certificate, title = subject.facts.certificate, "Certificate"
    if certificate is None:
        return Section(
            "certificate",
            title,
            note("The model has no ONNX form with a parity report; its own library answers."),
        )
    try:
        parity = read_report(subject.directory)
    except ModelpackError:
        parity = None
    told = methods(certificate, most=limits.rows, longest=limits.characters)
    told += note(_compared(certificate))
    if parity is not None:
        told += "".join(_probes(parity, limits))
    return Section("certificate", title, told)


def _compared(certificate: Certificate) -> str:
    made = certificate.made or "at an unknown time"
    versions = ", ".join(f"{name} {shown}" for name, shown in certificate.versions.items())
    with_them = f", with {versions}" if versions else ""
    return shorten(f"Both forms were compared {made}, within {certificate.tolerance:g}{with_them}.", 400)


def _probes(parity: Parity, limits: _Limits) -> Iterator[str]:
    """What was asked of both forms, and where they were furthest apart."""
    pairs = [
        ("Form", parity.candidate or "none"),
        ("Seed", str(parity.seed)),
        ("Threads for one call", str(parity.threads)),
        ("Operator sets", ", ".join(f"{name or 'ai.onnx'} {v}" for name, v in parity.opsets.items()) or "-"),
    ]
    if parity.first_difference:
        pairs.append(("First step that differs", parity.first_difference))
    yield f"<h3>How they were compared</h3>{facts(pairs)}"
    if parity.rows:
        rows = [(kind, f"{count:,}") for kind, count in islice(parity.rows.items(), limits.rows)]
        yield "<h3>Rows asked, by kind</h3>"
        yield table("Rows asked, by kind", ("Kind", "Rows"), rows, longest=limits.characters)
    if parity.tried:
        tried = islice(parity.tried.items(), limits.rows)
        yield "<h3>Other forms that were tried</h3>"
        yield table("Other forms that were tried", ("Form", "Why not"), tried, longest=limits.characters)
    furthest = [(name, one) for name, one in parity.methods.items() if one.row is not None]
    if furthest:
        yield "<h3>Where they were furthest apart</h3>"
        yield table(
            "Where they were furthest apart",
            ("Method", "Kind of row", "The model", "ONNX", "Row"),
            (_furthest(name, one) for name, one in furthest[: limits.rows]),
            longest=limits.characters,
        )


def _furthest(name: str, one: MethodReport) -> tuple[str, ...]:
    row = ", ".join(f"{column}: {value!r}" for column, value in islice((one.row or {}).items(), 50))
    return name, one.kind or "-", one.native or "-", one.onnx or "-", row


def _environment(subject: Subject, limits: _Limits) -> Section:
    found = subject.facts
    rows = [("Python", found.python or "not said")] if found.python else []
    lists = (("Requirement", found.requirements), ("Bound by", found.constraints), ("Source", found.sources))
    # A report is handed around: a name and a password that somebody left in a line are not.
    kinds = [(kind, without_password(line)) for kind, lines in lists for line in lines]
    rows += kinds[: limits.rows]
    if not rows:
        return Section("environment", "Requirements", note("The model does not say what it needs."))
    told = table("Requirements", ("Kind", "What"), rows, longest=limits.characters)
    told += more(min(limits.rows, len(kinds)), len(kinds), "lines")
    return Section("environment", "Requirements", told)


def _metadata(subject: Subject, limits: _Limits) -> Section | None:
    document = subject.directory.document
    metadata = {key: value for key, value in (document.metadata or {}).items() if key != OWN}
    own = [(str(key), _plain(value)) for key, value in metadata.items()]
    version = subject.version
    if version is not None:
        own += [(f"tag {key}", value) for key, value in version.tags.items()]
        own += [("description", version.description)] if version.description else []
    entries = [
        (f"{name}.{key}", _plain(value))
        for name, one in document.flavors.items()
        for key, value in one.items()
        if value is not None
    ]
    told = ""
    for title, rows in (("Metadata", own), ("Flavors", entries)):
        if rows:
            listed = table(title, ("Key", "Value"), rows[: limits.rows], longest=limits.characters)
            told += f"<h3>{title}</h3>{listed}{more(min(limits.rows, len(rows)), len(rows), 'entries')}"
    return Section("document", "What its document says", told) if told else None


def _plain(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return repr(value)
    return number(value) if isinstance(value, float) else str(value)


def _files(subject: Subject, limits: _Limits) -> Section:
    files = subject.facts.files
    if not files:
        return Section("files", "Files", note("What files there are is not known."))
    # What is not as it was saved comes first.
    ordered = sorted(files.items(), key=lambda pair: (pair[1].state == "ok", pair[0]))
    rows = (
        (name, f"{one.size:,}", chip(one.state, "good" if one.state == "ok" else "bad"), code(one.sha256))
        for name, one in ordered[: limits.rows]
    )
    headings = ("File", "Bytes", "State", "SHA-256")
    told = table("Files", headings, rows, numeric={1}, longest=limits.characters)
    return Section("files", "Files", told + more(min(limits.rows, len(files)), len(files), "files"))
