"""The page at ``/docs``: one document that holds all it needs."""

import json
from collections.abc import Sequence
from html import escape

from modelpack.schema import ParamSpec, Schema
from modelpack.schema.form import form_of
from serving import contract
from serving.models import Served

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: #666; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd; }
textarea { box-sizing: border-box; width: 100%; height: 16rem; font: 14px/1.4 ui-monospace, monospace; }
pre { background: #f4f4f4; padding: .8rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
button { font: inherit; padding: .3rem 1rem; }
@media (prefers-color-scheme: dark) {
  body { background: #181818; color: #ddd; } pre, textarea { background: #222; color: #ddd; }
  th, td { border-color: #444; } a { color: #8bf; } dt { color: #999; }
}
"""

SCRIPT = """
const body = document.getElementById("body");
const answer = document.getElementById("answer");
document.getElementById("send").addEventListener("click", async () => {
  answer.textContent = "…";
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch("invocations", { method: "POST", headers, body: body.value });
    answer.textContent = response.status + " " + response.statusText + "\\n" + await response.text();
  } catch (error) {
    answer.textContent = String(error);
  }
});
"""


def render(served: Served) -> str:
    """The page for the model *served*. Whatever comes from the model is escaped."""
    source, signature = served.source, served.signature
    title = escape(
        " ".join(part for part in (source.name, source.version and f"version {source.version}") if part)
    )
    facts = {
        "Reference": source.reference,
        "Digest": source.digest,
        "Flavor": served.flavor,
        "Engine": served.engine,
    }
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<dl>{"".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())}</dl>
<p><a href="openapi.json">The OpenAPI document</a> describes it for programs.</p>
<h2>What it takes</h2>
{_schema(signature.inputs)}
{_params(signature.params)}
<h2>What it gives</h2>
{_schema(signature.outputs)}
<h2>Try it</h2>
<p><label for="body"><code>POST {contract.INVOCATIONS}</code>, {contract.JSON}</label></p>
<textarea id="body" spellcheck="false">{escape(_begin(served))}</textarea>
<p><button id="send">Predict</button></p>
<pre id="answer" aria-live="polite"></pre>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _begin(served: Served) -> str:
    body = form_of(served.signature, served.example).body
    return json.dumps(json.loads(body), ensure_ascii=False, indent=2)


def _schema(schema: Schema | None) -> str:
    if schema is None:
        return "<p>The model was saved without saying so.</p>"
    if schema.is_tensor:
        rows = [(spec.name or "", f"{spec.dtype.name} {list(spec.shape)}", True) for spec in schema.tensors]
    else:
        rows = [
            (str(name), str(spec.type), spec.required)
            for name, spec in zip(schema.names, schema.columns, strict=True)
        ]
    return _table(
        ("name", "type", "required"),
        [(name, kind, "yes" if required else "no") for name, kind, required in rows],
    )


def _params(params: tuple[ParamSpec, ...]) -> str:
    if not params:
        return ""
    rows = [
        (
            param.name,
            f"list of {param.type}" if param.shape else str(param.type),
            json.dumps(param.to_json()["default"]),
        )
        for param in params
    ]
    return "<h3>Parameters</h3>\n" + _table(("name", "type", "default"), rows)


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in headings)
    lines = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{lines}\n</table>"
