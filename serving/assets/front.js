"use strict";
// The page of a served model: its form, its lines for copying, its figures. Texts go into nodes, never into markup.

const at = (id) => document.getElementById(id);
const form = at("form");
const body = at("body");
const columns = [...form.querySelectorAll("[data-kind]:not([data-param])")];
const params = [...form.querySelectorAll("[data-param]")];
const names = JSON.parse(form.dataset.names);
const url = new URL("invocations", location.href).href;

// Texts of numbers are sent as they were written: a double of the browser would not hold every long.
const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

function token(field) {
  const text = field.dataset.kind === "text" ? field.value : field.value.trim();
  if (field.dataset.kind === "text") return text === "" && field.dataset.began === "" ? "null" : JSON.stringify(text);
  if (text === "") return "null";
  if (field.dataset.kind === "number") return NUMBER.test(text) ? text : JSON.stringify(text);
  if (field.dataset.kind === "choice") return text;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function write() {
  if (columns.length) {
    const row = columns.map(token).join(", ");
    const heads = names === null ? "" : `"columns": [${names.map((name) => JSON.stringify(name)).join(", ")}], `;
    body.value = `{"dataframe_split": {${heads}"data": [[${row}]]}${paramsText()}}`;
  }
  tell();
}

function paramsText() {
  const changed = params.filter((field) => field.value !== field.dataset.began);
  if (!changed.length) return "";
  return `, "params": {${changed.map((field) => `${JSON.stringify(field.dataset.param)}: ${token(field)}`).join(", ")}}`;
}

const quoted = (text) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

function tell() {
  at("curl").textContent = `curl -s ${quoted(url)} -H 'Content-Type: application/json' \\\n  -d ${quoted(body.value)}`;
  at("python").textContent =
    `import urllib.request\n\nbody = ${JSON.stringify(body.value)}\n` +
    `request = urllib.request.Request(${JSON.stringify(url)}, body.encode(), {"Content-Type": "application/json"})\n` +
    "print(urllib.request.urlopen(request).read().decode())";
}

async function predict(event) {
  event.preventDefault();
  const outcome = at("outcome");
  outcome.className = "quiet";
  outcome.textContent = "…";
  const started = performance.now();
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: body.value });
    const text = await response.text();
    const took = (performance.now() - started).toFixed(0);
    outcome.className = response.ok ? "quiet" : "wrong";
    outcome.textContent = `${response.status} ${response.statusText} in ${took} ms`;
    at("answer").textContent = text.length > 100000 ? `${text.slice(0, 100000)} …` : text;
  } catch (error) {
    outcome.className = "wrong";
    outcome.textContent = `The server did not answer: ${error.message}`;
    at("answer").textContent = "";
  }
}

for (const field of [...columns, ...params]) {
  field.dataset.began = field.value;
  field.addEventListener("input", write);
}
body.addEventListener("input", tell);
form.addEventListener("submit", predict);
tell();

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const node = at(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(node.textContent);
      button.textContent = "Copied";
    } catch {
      // Beyond this machine and without TLS, browsers keep the clipboard to themselves.
      getSelection().selectAllChildren(node);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// Figures: what /metrics tells, every two seconds while somebody looks.

const EVERY = 2000;
const KEPT = 60;
const PREDICTIONS = /^(\/invocations|\/v2\/models\/.*\/infer|\/inference\.GRPCInferenceService\/ModelInfer)$/;
const rates = [];
let before = null;
let timer = null;
let isPaused = false;

function parse(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(/([a-z]+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
    samples.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return samples;
}

const sum = (samples) => samples.reduce((total, one) => total + one.value, 0);

// Buckets of a histogram, each without those below it.
function buckets(samples) {
  const below = new Map();
  for (const { labels, value } of samples) below.set(labels.le, (below.get(labels.le) ?? 0) + value);
  let last = 0;
  return [...below].map(([end, count]) => {
    const own = count - last;
    last = count;
    return { end: Number(end === "+Inf" ? Infinity : end), count: own };
  });
}

const SVG = "http://www.w3.org/2000/svg";

function draw(id, shapes, reading) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  for (const [kind, attributes] of [...shapes, ["line", { class: "base", x1: 0, x2: 100, y1: 99.5, y2: 99.5 }]]) {
    const shape = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  at(id).replaceChildren(svg);
  at(id).setAttribute("aria-label", reading);
  at(`${id}-reading`).textContent = reading;
}

function bars(found) {
  const first = found.findIndex((one) => one.count);
  const last = found.findLastIndex((one) => one.count);
  const shown = first < 0 ? [] : found.slice(first, last + 1);
  const most = Math.max(...shown.map((one) => one.count), 1);
  const step = Math.min(100 / Math.max(shown.length, 1), 14);
  return shown.map((one, place) => {
    const height = one.count ? Math.max((98 * one.count) / most, 1.5) : 0;
    return ["rect", { class: "bar-of", x: place * step, width: step * 0.8, y: 99 - height, height }];
  });
}

function share(found, part) {
  const total = sum(found.map((one) => ({ value: one.count })));
  let seen = 0;
  for (const { end, count } of found) {
    seen += count;
    if (seen >= total * part) return end;
  }
  return Infinity;
}

const seconds = (value) => (value === Infinity ? "over 60 s" : value < 1 ? `${+(value * 1000).toPrecision(3)} ms` : `${value} s`);
const count = (value) => Math.round(value).toLocaleString("en");

function show(samples, now) {
  const named = (name) => samples.filter((one) => one.name === name);
  const ours = (name) => named(name).filter((one) => PREDICTIONS.test(one.labels.route));
  const requests = ours("modelpack_requests_total");
  const done = sum(requests);
  const failed = sum(requests.filter((one) => !["200", "OK"].includes(one.labels.status)));
  const inside = Math.max(sum(named("modelpack_requests_in_flight")) - 1, 0);
  const workers = sum(named("modelpack_workers"));
  at("totals").textContent =
    `${count(done)} predictions since the server started, ${count(failed)} of them refused or failed; ` +
    `${count(sum(named("modelpack_rows_total")))} rows answered; ${count(inside)} under way; ` +
    `${workers} ${workers === 1 ? "process" : "processes"}.`;
  if (before !== null && done >= before.done) {
    rates.push((done - before.done) / ((now - before.now) / 1000));
    if (rates.length > KEPT) rates.shift();
  }
  before = { done, now };
  showRates();
  const latency = buckets(ours("modelpack_request_duration_seconds_bucket"));
  draw("latency", bars(latency), done
    ? `Half within ${seconds(share(latency, 0.5))}, 99 of 100 within ${seconds(share(latency, 0.99))}`
    : "No predictions yet");
  const batches = buckets(named("modelpack_batch_requests_bucket"));
  const calls = sum(named("modelpack_batch_requests_count"));
  const mean = sum(named("modelpack_batch_requests_sum")) / calls;
  const rows = sum(named("modelpack_batch_rows_sum")) / calls;
  draw("batches", bars(batches), calls
    ? `${mean.toFixed(1)} requests and ${rows.toFixed(1)} rows in one call on average, of ${count(calls)} calls`
    : "No calls yet");
}

function showRates() {
  const most = Math.max(...rates, 1);
  const points = rates.map((rate, place) => `${(100 * place) / (KEPT - 1)},${99 - (97 * rate) / most}`);
  const shapes = points.length > 1 ? [["polyline", { class: "curve", points: points.join(" ") }]] : [];
  const last = rates.at(-1);
  const told = (rate) => (rate < 10 ? rate.toFixed(1) : count(rate));
  draw("rate", shapes, last === undefined
    ? "Measuring"
    : `${told(last)} a second now, ${told(Math.max(...rates))} at most in the last two minutes`);
}

async function look() {
  try {
    const response = await fetch("metrics", { cache: "no-store" });
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    show(parse(await response.text()), performance.now());
  } catch (error) {
    at("totals").textContent = `The figures cannot be read: ${error.message}`;
    before = null;
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  if (!isPaused && !document.hidden) timer = setTimeout(look, EVERY);
}

document.addEventListener("visibilitychange", plan);
const pause = at("pause");
pause.hidden = false;
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", String(isPaused));
  before = null;
  plan();
});
look();
