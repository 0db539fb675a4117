// Draws the curves of metrics. Without it, every figure still leads to a table of its points.
(() => {
  "use strict";
  const figures = [...document.querySelectorAll("figure.chart")];
  if (!figures.length || !window.uPlot) return;

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const options = { by: "step", log: false };
  // Between two steps there is none.
  const WHOLE = [...Array(16).keys()].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const told = (value) => (value == null ? "–" : Number(value.toPrecision(6)).toString());

  // Curves of several runs over one axis: every place that any of them has.
  const joined = (runs) => {
    if (runs.length === 1) return [runs[0].x, runs[0].y];
    return uPlot.join(runs.map((run) => [run.x, run.y]));
  };

  const isPositive = (runs) => runs.every((run) => run.y.every((value) => value == null || value > 0));
  // NaN and the infinite, which no chart shows, as they were logged.
  const oddly = (run, place) => (run.odd.find(([at]) => at === place) || [])[1] || "–";

  const axis = () => ({
    stroke: color("--soft"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { stroke: color("--line"), width: 1, size: 4 },
    font: "11px system-ui, sans-serif",
  });

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.box = figure.querySelector(".plot");
      this.runs = figure.dataset.runs.split(" ");
      this.key = figure.dataset.key;
    }

    // The curves, or what they are between two places; null where something else was asked meanwhile.
    async fetch(between = {}) {
      const query = new URLSearchParams({ key: this.key, by: options.by, ...between });
      this.runs.forEach((run) => query.append("runs", run));
      this.asked = query.toString();
      const answer = await fetch(`/curves?${query}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const found = await answer.json();
      return this.asked === query.toString() ? found.runs.filter((run) => run.x.length) : null;
    }

    async load() {
      try {
        const runs = await this.fetch();
        if (runs) this.show(runs);
      } catch (error) {
        this.say("The curve cannot be had now. Load the page again.");
      }
    }

    // What was thinned for the screen is asked for again where somebody looks closer.
    async refine() {
      const { min, max } = this.plot.scales.x;
      const isAll = min <= this.lowest && max >= this.highest;
      try {
        const runs = isAll ? this.whole : await this.fetch({ from: min, to: max });
        if (!runs || !runs.length || !this.plot) return;
        this.drawn = runs;
        this.plot.setData(joined(runs), false);
        this.plot.setScale("x", { min, max });
        this.figure.dataset.points = String(runs[0].x.length);
      } catch (error) {
        // What is there already stays.
      }
    }

    say(text) {
      const line = document.createElement("p");
      line.className = "quiet";
      line.textContent = text;
      this.box.replaceChildren(line);
    }

    show(runs) {
      this.whole = this.drawn = runs;
      this.isThinned = runs.some((run) => run.count > run.x.length);
      this.lowest = Math.min(...runs.map((run) => run.x[0]));
      this.highest = Math.max(...runs.map((run) => run.x[run.x.length - 1]));
      this.draw();
    }

    draw() {
      const runs = (this.drawn = this.whole);
      if (!runs) return;
      if (!runs.length) return this.say("No points.");
      if (this.plot) this.plot.destroy();
      this.plot = null;
      this.box.replaceChildren();
      if (runs.every((run) => run.x.length === 1)) return runs.length === 1 ? this.tell(runs[0]) : this.list(runs);
      this.prepare();
      const data = joined(runs);
      this.plot = new uPlot(this.shape(runs, data), data, this.box);
      this.warn(runs);
      this.figure.dataset.drawn = String(runs.length);
      this.figure.dataset.points = String(runs[0].x.length);
    }

    // One value of one run is no curve.
    tell(run) {
      const line = document.createElement("p");
      line.className = "only";
      line.textContent = run.y[0] == null ? oddly(run, 0) : told(run.y[0]);
      this.box.classList.add("flat");
      this.box.append(line);
      this.figure.dataset.drawn = "1";
    }

    // What the picture cannot show.
    warn(runs) {
      const gaps = runs.reduce((sum, run) => sum + run.gaps, 0);
      const told = [];
      if (gaps) told.push(`${gaps} ${gaps === 1 ? "value is" : "values are"} NaN or infinite, and left out.`);
      if (options.log && !isPositive(runs)) told.push("Not logarithmic: some values are not above 0.");
      this.warning.textContent = told.join(" ");
      this.warning.hidden = !told.length;
    }

    // Where every run has one value there is nothing to draw across: bars say it better.
    list(runs) {
      const most = Math.max(...runs.map((run) => Math.abs(run.y[0] || 0))) || 1;
      const list = document.createElement("ul");
      list.className = "bars";
      for (const run of runs) {
        const [line, name, bar, value] = ["li", "span", "i", "b"].map((tag) => document.createElement(tag));
        line.className = `series-${this.number(run)}`;
        name.textContent = run.name;
        name.dir = "auto";
        bar.style.width = `${(Math.abs(run.y[0] || 0) / most) * 100}%`;
        value.textContent = run.y[0] == null ? oddly(run, 0) : told(run.y[0]);
        line.append(name, bar, value);
        list.append(line);
      }
      this.box.classList.add("flat");
      this.box.append(list);
      this.figure.dataset.drawn = String(runs.length);
    }

    number(run) {
      return Math.max(0, this.runs.indexOf(run.id)) % 10;
    }

    shape(runs, data) {
      const few = data[0].length * runs.length <= 60;
      return {
        width: Math.max(200, this.box.clientWidth),
        height: Math.max(190, this.box.clientHeight),
        legend: { show: false },
        // A double click would fit what was fetched last, which may be a part.
        cursor: { drag: { x: true, y: false }, points: { size: 8 }, bind: { dblclick: () => () => this.all() } },
        scales: { x: { time: false }, y: { distr: options.log && isPositive(runs) ? 3 : 1 } },
        axes: [{ ...axis(), size: 28, ...(options.by === "step" && { incrs: WHOLE }) }, { ...axis(), size: 56 }],
        series: [
          {},
          ...runs.map((run) => ({
            label: run.name,
            stroke: color(`--series-${this.number(run)}`),
            width: 2,
            // Left to itself, it marks points that stand alone between gaps.
            points: few ? { show: true, size: 5 } : { size: 5 },
          })),
        ],
        hooks: {
          setCursor: [(plot) => this.read(plot.cursor.idx)],
          setScale: [(plot, scale) => scale === "x" && this.note(plot)],
        },
      };
    }

    prepare() {
      const box = this.box;
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute(
        "aria-label",
        `Curve of ${this.key}. Arrow keys read its points, plus and minus zoom, 0 shows all.`,
      );
      box.onkeydown = (event) => this.press(event);
      if (this.line) return;
      const foot = document.createElement("div");
      foot.className = "foot";
      this.warning = document.createElement("p");
      this.warning.className = "gaps";
      this.warning.hidden = true;
      this.line = document.createElement("p");
      this.line.className = "reading";
      this.line.setAttribute("aria-live", "polite");
      const bar = document.createElement("div");
      bar.className = "zoom";
      const acts = [["Closer", () => this.zoom(0.5)], ["Farther", () => this.zoom(2)], ["All", () => this.all()]];
      for (const [label, act] of acts) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = label;
        button.setAttribute("aria-label", `${label}: ${this.key}`);
        button.onclick = act;
        bar.append(button);
      }
      foot.append(this.line, bar);
      box.after(foot, this.warning);
    }

    read(place) {
      this.place = place;
      if (place == null) return void (this.line.textContent = "");
      const { data, series } = this.plot;
      const values = series.slice(1).map((one, number) => {
        const value = this.at(number, data, place);
        return series.length > 2 ? value && `${one.label} ${value}` : value || "–";
      });
      const across = options.by === "time" ? `${told(data[0][place])} s` : `step ${told(data[0][place])}`;
      this.line.textContent = `${across}: ${values.filter(Boolean).join(", ")}`;
    }

    // What the curve of one run has at a place of the joined axis, or nearest to it within the curve.
    at(number, data, place) {
      const values = data[number + 1], run = this.drawn[number], across = data[0][place];
      if (values[place] != null) return told(values[place]);
      const own = run.x.indexOf(across);
      if (own >= 0) return oddly(run, own);
      if (across < run.x[0] || across > run.x[run.x.length - 1]) return "";
      for (let far = 1; far < values.length; far += 1) {
        const near = values[place - far] ?? values[place + far];
        if (near != null) return told(near);
      }
      return "";
    }

    note(plot) {
      const { min, max } = plot.scales.x;
      this.figure.dataset.from = told(min);
      this.figure.dataset.to = told(max);
      clearTimeout(this.waiting);
      const isNew = min !== this.seen?.min || max !== this.seen?.max;
      this.seen = { min, max };
      if (this.isThinned && isNew && this.plot) this.waiting = setTimeout(() => this.refine(), 200);
    }

    press(event) {
      const acts = {
        ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), Home: () => this.step(-Infinity),
        End: () => this.step(Infinity), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5),
        "-": () => this.zoom(2), 0: () => this.all(), Escape: () => this.all(),
      };
      const act = acts[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    }

    step(count) {
      const places = this.plot.data[0];
      const now = this.place == null ? (count > 0 ? -1 : places.length) : this.place;
      const next = Math.min(places.length - 1, Math.max(0, now + count));
      const left = this.plot.valToPos(places[next], "x");
      this.plot.setCursor({ left, top: this.plot.over.clientHeight / 2 });
      this.read(next);
    }

    zoom(share) {
      const { min, max } = this.plot.scales.x;
      const { lowest, highest } = this;
      const middle = this.place == null ? (min + max) / 2 : this.plot.data[0][this.place];
      const half = ((max - min) * share) / 2;
      this.plot.setScale("x", { min: Math.max(lowest, middle - half), max: Math.min(highest, middle + half) });
    }

    all() {
      this.plot.setScale("x", { min: this.lowest, max: this.highest });
    }

    fit() {
      if (this.plot) this.plot.setSize({ width: Math.max(200, this.box.clientWidth), height: this.plot.height });
    }
  }

  const charts = figures.map((figure) => new Chart(figure));
  // Curves that nobody scrolls to are not fetched.
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watch.unobserve(entry.target);
      charts.find((chart) => chart.figure === entry.target).load();
    }
  }, { rootMargin: "200px" });
  figures.forEach((figure) => watch.observe(figure));

  for (const tools of document.querySelectorAll(".charts-tools")) tools.hidden = false;
  for (const control of document.querySelectorAll("[data-charts]")) {
    control.addEventListener("change", () => {
      options.by = document.querySelector('[data-charts="by"]').value;
      options.log = document.querySelector('[data-charts="log"]').checked;
      for (const chart of charts) {
        if (!chart.asked) continue;
        if (control.dataset.charts === "by") chart.load();
        else chart.draw();
      }
    });
  }
  dark.addEventListener("change", () => charts.forEach((chart) => chart.draw()));
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => charts.forEach((chart) => chart.fit()), 100);
  });
})();
