"use strict";
let state = null, instance = "", shownSession = "", past = new Map(), pastVersion = -1;
let source = null, restarted = "", lastText = 0, loading = null;

const chart = new Chart($("chart"), { load, changed: toolsOf, readout: (text) => put("readout", text) });

// ---- the connection

function connect() {
  source = new EventSource("/api/v1/events");
  source.addEventListener("hello", (event) => { const told = JSON.parse(event.data); greet(told); });
  source.addEventListener("update", (event) => { const told = JSON.parse(event.data); update(told.state, told.samples); });
  source.addEventListener("bye", () => { source.close(); lost("the director was stopped"); setTimeout(connect, 1000); });
  source.onopen = () => link("live", restarted ? `live, director restarted at ${restarted}` : "live");
  source.onerror = () => {
    lost("no connection");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

function greet(told) {
  const again = instance && instance !== told.state.instance;
  instance = told.state.instance;
  if (again) {
    restarted = clock(told.state.t_utc_ms, true);
    say(`Connected again: the director was restarted`);
    $("warnings").replaceChildren(); pastVersion = -1;
  }
  chart.reset();
  link("live", restarted ? `live, director restarted at ${restarted}` : "live");
  update(told.state, []);
  chart.load();
}

function lost(why) {
  if (document.body.classList.contains("stale")) return;
  const done = state?.session?.outcome === "complete";
  link(done ? "waiting" : "lost", `${why} at ${clock(Date.now(), true)}, trying again`, true);
}

function link(kind, text, stale = false) {
  $("link").className = `link ${kind}`;
  put("link", text);
  document.body.classList.toggle("stale", stale);
}

function say(text) { put("say", text); }

async function load(from, to, points) {
  loading?.abort();
  const mine = (loading = new AbortController());
  const query = new URLSearchParams({ points });
  if (from !== null) { query.set("from", from); query.set("to", to); }
  try {
    const answer = await fetch(`/api/v1/samples?${query}`, { signal: mine.signal });
    if (answer.ok) { const told = await answer.json(); if (!state?.session || told.session === state.session.name) chart.set(told); }
  } catch (problem) {
    if (problem.name !== "AbortError") lost("no connection");
  }
}

// ---- what is known now

function update(now, samples) {
  const before = state;
  state = now;
  const name = now.session?.name ?? "";
  if (name !== shownSession) {
    shownSession = name;
    chart.reset();
  }
  chart.phases = now.session?.phases ?? [];
  chart.interval = now.interval_ms;
  const several = now.analyzers.length > 1;
  chart.append(samples, (analyzer) => (several ? analyzer <= 16 : analyzer === 1));
  heading(now, before);
  cards(now);
  rows(now);
  facts(now);
  warnings(now.warnings);
  legend(now, several);
  if (now.sessions_version !== pastVersion) { pastVersion = now.sessions_version; loadPast(); }
}

function heading(now, before) {
  const session = now.session;
  put("title", session ? session.name : now.listening ? "Ready for a client" : "The director is starting");
  put("lead", session ? leadOf(session, now) : now.listening ? `clients connect to ${now.listening}` : "it tries its analyzers");
  document.title = session?.measuring ? `${figure(now.total.latest?.power_w, 0)} W, ${session.phase}, wattrig` : "wattrig";
  $("progress-box").hidden = !session || session.outcome === "aborted" && !session.phase;
  if (session) progress(session);
  outcome(session);
  const old = before?.session;
  if (session && old?.name === session.name) {
    if (session.measuring && (!old.measuring || old.phase !== session.phase)) say(`${session.phase} is being measured`);
    if (!session.measuring && old.measuring && session.outcome === "open") say(`${session.phase} is measured`);
    if (session.outcome !== old.outcome) say(session.outcome === "complete" ? "The session is complete" : `The session is broken off: ${session.reason}`);
  } else if (session && before) say(`Session ${session.name} began`);
}

function leadOf(session, now) {
  if (session.outcome === "aborted") return `broken off: ${session.reason}`;
  if (session.outcome === "complete") return "complete";
  if (session.measuring) return `${session.phase} is being measured`;
  return session.phase ? `${session.phase} is measured, the client goes on` : "the client prepares; analyzers are set up";
}

function progress(session) {
  const steps = ["ranging", "testing"].map((name) => {
    const runs = session.phases.filter((phase) => phase.name === name), run = runs[runs.length - 1];
    const kind = run ? (run.end_t_utc_ms === null && session.outcome === "open" ? "now" : "done") : "";
    const took = run && run.end_t_utc_ms !== null ? ` ${span((run.end_t_utc_ms - run.begin_t_utc_ms) / 1000)}` : "";
    return [kind, name, took + (runs.length > 1 ? `, run ${runs.length}` : "")];
  });
  const key = JSON.stringify(steps);
  if ($("steps").dataset.key !== key) {
    $("steps").dataset.key = key;
    $("steps").replaceChildren(...steps.map(([kind, name, took]) => make("span", { className: kind }, make(kind === "now" ? "b" : "span", { textContent: name + took }))));
  }
  if (session.progress === null) $("progress").removeAttribute("value"); else $("progress").value = session.progress;
  $("progress").hidden = !session.measuring || session.progress === null;
  let text = "";
  if (session.measuring) {
    text = `${session.phase}: ${span(session.elapsed_s)} measured`;
    if (session.left_s !== null && session.progress < 0.99) text += `, about ${span(session.left_s)} left (${session.expected_from})`;
    else if (session.left_s !== null) text += ", longer than expected";
  }
  put("progress-text", text);
}

function outcome(session) {
  const box = $("outcome");
  box.hidden = !session || session.outcome === "open";
  if (box.hidden) return;
  if (session.outcome === "aborted") { box.className = "outcome bad"; return put(box, "broken off"); }
  const judged = past.get(session.name);
  if (!judged?.strict) { box.className = "outcome"; return put(box, "complete, verdict follows"); }
  const text = `verdict: ${WORDS[judged.strict] ?? judged.strict}`;
  if (box.textContent !== text) say(text);
  box.className = `outcome ${KIND[judged.strict] ?? ""}`;
  put(box, text);
}

function toolsOf(chart) {
  $("follow").setAttribute("aria-pressed", String(chart.follow));
  $("all").setAttribute("aria-pressed", String(chart.all));
  $("empty").hidden = chart.count() > 0;
  if (Date.now() - lastText < 1000) return;
  lastText = Date.now();
  let low = Infinity, high = -Infinity, bad = 0;
  const main = chart.series.get(0) ?? chart.series.get(1);
  if (!main || !chart.view) return put("chart-text", "");
  main.t.forEach((t, i) => {
    if (t < chart.view.from || t > chart.view.to) return;
    bad += main.bad[i];
    if (main.low[i] !== null) { low = Math.min(low, main.low[i]); high = Math.max(high, main.high[i]); }
  });
  if (high < low) return put("chart-text", "");
  put("chart-text", `${clock(chart.view.from, true)} to ${clock(Math.min(chart.view.to, chart.bounds.to), true)}: ${low.toFixed(1)} to ${high.toFixed(1)} W, ${bad || "no"} bad sample${bad === 1 ? "" : "s"}.`);
}

$("follow").addEventListener("click", () => chart.showEnd());
$("all").addEventListener("click", () => chart.showAll());
$("in").addEventListener("click", () => chart.zoom(0.5));
$("out").addEventListener("click", () => chart.zoom(2));
chart.resize();
connect();
