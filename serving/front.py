"""The page of a served model. Whatever comes from the model is escaped; nothing is written into scripts."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from modelpack._version import __version__
from modelpack.engines.certificate import Certificate
from modelpack.errors import shorten
from modelpack.report.certified import methods
from modelpack.report.page import table
from modelpack.schema.form import Field, form_of
from modelpack.schema.telling import rows_of
from serving import contract
from serving.models import Served
from serving.standing import Standing

_LONGEST = 400
"""Characters of a name or reference that a page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a page shows, *address* being where the server was found. *tag* changes with the assets."""

    served: Served
    address: str
    tag: str
    standing: Standing | None = None
    certificate: Certificate | None = None


def render(view: View) -> str:
    """The page as HTML."""
    source = view.served.source
    name = escape(shorten(source.name, _LONGEST))
    version = f" version {escape(source.version)}" if source.version else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}{version}</title>
<link rel="icon" href="assets/icon.svg?{view.tag}" type="image/svg+xml">
<link rel="stylesheet" href="assets/front.css?{view.tag}">
<script src="assets/front.js?{view.tag}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the model</a>
<header class="top"><div class="bar">
<span class="brand">modelpack</span>
<nav aria-label="This page and others">
<a href="#try">Try it</a>
<a href="#figures">Figures</a>
<a href="#signature">Signature</a>
<a href="docs">API</a>
<a href="openapi.json">OpenAPI</a>
<a href="metrics">Metrics</a>
</nav>
</div></header>
<main id="main" tabindex="-1">
<h1>{name} {" ".join(_chips(view))}</h1>
{_facts(view)}
{_try_it(view)}
{_FIGURES}
{_signature(view.served)}
{_certified(view)}
</main>
<footer class="bottom"><div class="bar">Served by modelpack {escape(__version__)}</div></footer>
</body>
</html>
"""


def _chips(view: View) -> Iterator[str]:
    version, standing = view.served.source.version, view.standing
    if version:
        yield f'<span class="chip">version {escape(version)}</span>'
    if standing is None:
        return
    if standing.deleted:
        yield '<span class="chip bad">deleted from the registry</span>'
    if standing.stage and standing.stage != "None":
        kind = {"Production": " good", "Staging": " care"}.get(standing.stage, "")
        yield f'<span class="chip{kind}">{escape(standing.stage)}</span>'
    for alias in standing.aliases:
        yield f'<span class="chip">@{escape(alias)}</span>'


def _facts(view: View) -> str:
    served = view.served
    facts = [
        (
            "Digest",
            f'<code id="digest">{escape(served.source.digest)}</code> {_copy("digest", "the digest")}',
        ),
        ("Reference", f"<code>{escape(shorten(served.source.reference, _LONGEST))}</code>"),
        ("Flavor", escape(served.flavor)),
        ("Method", f"<code>{escape(served.method)}</code>"),
        ("Engine", _engine(view)),
    ]
    if view.standing is not None:
        answers = "answers" if view.standing.reachable else '<span class="chip bad">does not answer</span>'
        facts.append(("Registry", answers))
    return '<dl class="facts">' + "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts) + "</dl>"


def _engine(view: View) -> str:
    served, certificate = view.served, view.certificate
    engine = escape(served.engine)
    method = certificate.methods.get(served.method) if certificate else None
    if method is not None and method.answers:
        return f'{engine} <span class="chip good">certified</span>'
    return f'{engine} <span class="chip">not certified for ONNX</span>'


def _try_it(view: View) -> str:
    form = form_of(view.served.signature, view.served.example)
    url = f"{view.address}{contract.INVOCATIONS}"
    names = escape(json.dumps(form.names, ensure_ascii=False))
    fields = "".join(_field(f"column-{n}", one, is_param=False) for n, one in enumerate(form.columns))
    params = "".join(_field(f"param-{n}", one, is_param=True) for n, one in enumerate(form.params))
    legend = "One row" if form.columns else "This model's rows are written as JSON"
    groups = f'<fieldset><legend>{legend}</legend><div class="fields">{fields}</div></fieldset>'
    if params:
        groups += f'<fieldset><legend>Params</legend><div class="fields">{params}</div></fieldset>'
    return f"""<section id="try" aria-labelledby="try-title">
<h2 id="try-title">Try it</h2>
<div class="split">
<form id="form" autocomplete="off" data-names="{names}">
{groups}
<details{"" if form.columns else " open"}>
<summary>The request as JSON</summary>
<label class="hidden" for="body">The body of the request, as JSON</label>
<textarea id="body" rows="10" spellcheck="false">{escape(form.body)}</textarea>
</details>
<p class="row"><button class="main" type="submit">Predict</button>
<span class="quiet"><code>POST {contract.INVOCATIONS}</code></span></p>
<noscript><p class="wrong">The form needs JavaScript; the lines beside it do without.</p></noscript>
</form>
<div>
<h3 id="answer-title">Answer</h3>
<div role="status"><p id="outcome" class="quiet">None yet.</p></div>
<pre id="answer" tabindex="0" role="region" aria-labelledby="answer-title"></pre>
{_line("curl", "In a terminal", curl_line(url, form.body))}
{_line("python", "In Python", python_lines(url, form.body))}
</div>
</div>
</section>"""


def _field(identity: str, field: Field, *, is_param: bool) -> str:
    name = escape(shorten(field.name, _LONGEST))
    written = "number" if field.kind == "whole" else field.kind
    kind = f'data-kind="{written}"' + (f' data-param="{escape(field.name)}"' if is_param else "")
    hint = f"{escape(shorten(field.type, 80))}{'' if field.required else ', may be missing'}"
    common = f'id="{identity}" {kind} aria-describedby="{identity}-type"'
    return (
        f'<div class="field"><label for="{identity}">{name}</label>{_control(common, field)}'
        f'<span class="hint" id="{identity}-type">{hint}</span></div>'
    )


def _control(common: str, field: Field) -> str:
    text = escape(field.text)
    if field.kind == "choice":
        choices = ["true", "false"] if field.required else ["", "true", "false"]
        options = "".join(
            f'<option value="{one}"{" selected" if one == field.text else ""}>{one or "missing"}</option>'
            for one in choices
        )
        return f"<select {common}>{options}</select>"
    if field.kind == "json":
        return f'<textarea {common} rows="3" spellcheck="false">{text}</textarea>'
    mode = ' inputmode="decimal"' if field.kind in ("whole", "number") else ""
    return f'<input {common} type="text"{mode} spellcheck="false" value="{text}">'


def _line(identity: str, title: str, text: str) -> str:
    return (
        f'<div class="line"><h3 id="{identity}-title">{title}</h3>{_copy(identity, title.lower())}</div>'
        f'<pre tabindex="0" role="region" aria-labelledby="{identity}-title">'
        f'<code id="{identity}">{escape(text)}</code></pre>'
    )


def _copy(identity: str, what: str) -> str:
    # Without scripts there is nothing that a button could do.
    named = f'data-copy="{identity}" aria-label="Copy {what}"'
    return f'<button type="button" class="plain" {named} hidden>Copy</button>'


def curl_line(url: str, body: str) -> str:
    """What sends *body* from a terminal; front.js writes the same for another body."""
    return f"curl -s {shlex.quote(url)} -H 'Content-Type: application/json' \\\n  -d {shlex.quote(body)}"


def python_lines(url: str, body: str) -> str:
    """What sends *body* from Python; front.js writes the same for another body."""
    # What is a string in JSON is one in Python, as long as nothing beyond quotes and controls is escaped.
    text, place = json.dumps(body, ensure_ascii=False), json.dumps(url, ensure_ascii=False)
    return (
        "import urllib.request\n\n"
        f"body = {text}\n"
        f'request = urllib.request.Request({place}, body.encode(), {{"Content-Type": "application/json"}})\n'
        "print(urllib.request.urlopen(request).read().decode())"
    )


def _figure(identity: str, title: str) -> str:
    return (
        f"<figure><figcaption>{title}</figcaption>"
        f'<div class="plot" id="{identity}" role="img" aria-label="No figures yet"></div>'
        f'<p class="reading" id="{identity}-reading">No figures yet</p></figure>'
    )


_FIGURES = f"""<section id="figures" aria-labelledby="figures-title">
<h2 id="figures-title">Figures</h2>
<p class="quiet" id="totals">Counted by all processes since the server started.</p>
<div class="charts">
{_figure("rate", "Predictions a second")}
{_figure("latency", "Time for an answer")}
{_figure("batches", "Requests in one call of the model")}
</div>
<p class="row"><button type="button" id="pause" hidden aria-pressed="false">Pause</button></p>
</section>"""


def _signature(served: Served) -> str:
    titles = {"input": "What it takes", "output": "What it gives", "param": "Params"}
    rows = list(rows_of(served.signature))
    tables = [
        (title, [row[1:] for row in rows if row[0] == part])
        for part, title in titles.items()
        if part != "param" or served.signature.params
    ]
    parts = (
        f"<h3>{title}</h3>" + (table(title, ("Name", "Type", "Required"), found) if found else _UNSAID)
        for title, found in tables
    )
    return (
        '<section id="signature" aria-labelledby="signature-title"><h2 id="signature-title">Signature</h2>'
        f"{''.join(parts)}</section>"
    )


_UNSAID = '<p class="quiet">The model was saved without saying so.</p>'


def _certified(view: View) -> str:
    certificate = view.certificate
    if certificate is None:
        told = (
            '<p class="quiet">This model has no ONNX form with a parity report; its own library answers.</p>'
        )
    else:
        made = escape(certificate.made or "at an unknown time")
        versions = ", ".join(f"{name} {number}" for name, number in certificate.versions.items())
        told = (
            methods(certificate)
            + f'<p class="quiet">Both forms compared {made}, within {certificate.tolerance:g}'
            f"{escape(f', with {versions}' if versions else '')}.</p>"
        )
    title = '<h2 id="certificate-title">Certificate</h2>'
    return f'<section aria-labelledby="certificate-title">{title}{told}</section>'
