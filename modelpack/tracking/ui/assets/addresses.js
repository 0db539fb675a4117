// Leads from the addresses that MLflow's clients print, such as /#/experiments/1/runs/0a1b, to the page here.
(() => {
  "use strict";
  const segment = (text) => encodeURIComponent(text);
  const listed = (text) => {
    try {
      const found = JSON.parse(text);
      return Array.isArray(found) ? found.map(String) : [String(found)];
    } catch {
      return [];
    }
  };
  const query = (pairs) => {
    const made = new URLSearchParams(pairs).toString();
    return made && `?${made}`;
  };

  const ofRun = ([run, room, ...path]) => {
    const files = room === "artifacts" || room === "artifactPath";
    return `/runs/${segment(run)}${files ? `/files/${path.map(segment).join("/")}` : ""}`;
  };

  const ofExperiment = ([experiment, room, ...rest], asked) => {
    if (!experiment) return "/";
    if (room === "runs" && rest.length) return ofRun(rest);
    if (room === "models" && rest.length) return `/logged-models/${segment(rest[0])}`;
    const base = `/experiments/${segment(experiment)}`;
    if (room === "models") return `${base}/logged-models`;
    const filter = asked.get("searchFilter");
    return base + query(filter ? { where: filter } : {});
  };

  const ofModel = ([name, , version]) => {
    if (!name) return "/models";
    return `/models/${segment(name)}${version ? `/${segment(version)}` : ""}`;
  };

  const ofRuns = (asked) => `/compare${query(listed(asked.get("runs")).map((run) => ["runs", run]))}`;

  const ofMetric = ([key], asked) => {
    const runs = listed(asked.get("runs"));
    const name = key ?? listed(asked.get("metric"))[0];
    return runs.length === 1 && name ? `/runs/${segment(runs[0])}/metric${query({ key: name })}` : ofRuns(asked);
  };

  // Every answer begins with a room of this server's, whatever the address says.
  const placeOf = (hash) => {
    const [path, search] = hash.slice(2).split("?", 2);
    const asked = new URLSearchParams(search);
    const [room, ...rest] = path.split("/").filter(Boolean).map(decodeURIComponent);
    if (room === "experiments") return ofExperiment(rest, asked);
    if (room === "models") return ofModel(rest);
    if (room === "compare-runs") return ofRuns(asked);
    if (room === "metric") return ofMetric(rest, asked);
    return null;
  };

  const go = () => {
    if (!location.hash.startsWith("#/")) return;
    let place = null;
    try {
      place = placeOf(location.hash);
    } catch {
      // What cannot be read leads nowhere.
    }
    if (!place) return;
    // Who has to sign in first goes there afterwards.
    const after = document.querySelector("form input[name=after]");
    if (after) after.value = place;
    else location.replace(place);
  };

  addEventListener("hashchange", go);
  go();
})();
