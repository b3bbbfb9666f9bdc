"use strict";
const $ = (id) => document.getElementById(id);
const put = (place, text) => { const node = typeof place === "string" ? $(place) : place; if (node.textContent !== text) node.textContent = text; };
const part = (value, digits = 1) => (value === null || value === undefined ? "–" : (value * 100).toFixed(digits));
const figure = (value, digits, unit = "") => (value === null || value === undefined ? "–" : value.toFixed(digits) + unit);
const small = (value) => (value === null || value === undefined ? "–" : Math.abs(value) < 10 ? value.toFixed(3) : value.toFixed(1));

function span(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const s = Math.round(seconds), two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
}

function stamp(t) {
  const at = new Date(t), two = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(t, true)}`;
}

let state = null, instance = "", shownSession = "", past = new Map(), pastVersion = -1, warned = new Set();
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
    warned.clear(); $("warnings").replaceChildren(); pastVersion = -1;
  }
  chart.reset();
  link("live", restarted ? `live, director restarted at ${restarted}` : "live");
  update(told.state, []);
  chart.load();
}

function lost(why) {
  if ($("link").classList.contains("lost")) return;
  link("lost", `${why} at ${clock(Date.now(), true)}, trying again`);
}

function link(kind, text) {
  $("link").className = `link ${kind}`;
  put("link", text);
  document.body.classList.toggle("stale", kind === "lost");
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

const WORDS = { valid: "valid", valid_with_warnings: "valid with warnings", incomplete: "incomplete", invalid: "invalid", unknown: "not judged" };
const KIND = { valid: "good", valid_with_warnings: "warn", incomplete: "warn", invalid: "bad", unknown: "warn", complete: "good", aborted: "bad" };

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

function cards(now) {
  const total = now.total.latest ?? (now.analyzers.length === 1 ? now.analyzers[0].latest : null);
  const usable = total && total.validity === "good";
  put("power", usable ? figure(total.power_w, total.power_w < 1000 ? 2 : 1) : "–");
  put("power-note", !total ? "no sample yet" : usable ? `${figure(total.voltage_v, 1)} V, ${small(total.current_a)} A, power factor ${figure(total.power_factor, 3)}` : `${total.validity} reading`);
  const sure = now.total.uncertainty, above = sure !== null && sure > now.limit;
  put("uncertainty", part(sure, 2));
  $("uncertainty-card").className = `card ${above ? "bad" : ""}`;
  $("uncertainty-bar").style.transform = `scaleX(${Math.min((sure ?? 0) / now.limit, 1)})`;
  put("uncertainty-note", sure === null ? (now.analyzers.some((one) => one.ranges === "automatic") ? "unknown while ranges are automatic" : `the limit is ${part(now.limit, 0)} %`) : `${above ? "above the limit" : "of the power, limit"} ${part(now.limit, 0)} %`);
  range(now);
  const { samples, bad, missed } = now.total.counts;
  put("samples", String(samples));
  $("samples-card").className = `card ${bad + missed ? "warn" : ""}`;
  put("samples-note", `${bad || "none"} bad, ${missed || "none"} missed`);
  const offset = now.session?.clock;
  put("offset", offset ? (offset.offset_ms >= 0 ? "+" : "−") + Math.abs(offset.offset_ms).toFixed(3) : "–");
  put("clock-note", offset ? `± ${offset.uncertainty_ms.toFixed(3)} ms, director − client` : "a client of wattrig tells it");
}

function range(now) {
  const known = now.analyzers.filter((one) => one.current_headroom !== null);
  const least = known.reduce((a, b) => (a && a.current_headroom <= b.current_headroom ? a : b), null);
  put("headroom", least ? part(Math.max(least.current_headroom, 0), 0) : "–");
  $("range-card").className = `card ${least && least.current_headroom < 0.02 ? "warn" : ""}`;
  $("headroom-bar").style.transform = `scaleX(${least ? Math.min(1 - least.current_headroom, 1) : 0})`;
  const automatic = now.analyzers.some((one) => one.ranges === "automatic");
  put("range-note", least ? `${small(least.latest?.current_a)} of ${least.current_range_a} A${known.length > 1 ? `, analyzer ${least.number}` : ""}` : automatic ? "automatic while ranging" : "not known yet");
}

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

const HEADS = [...document.querySelectorAll(".figures thead th")].map((head) => head.textContent);

function rows(now) {
  const wanted = [];
  for (const one of now.analyzers) {
    const name = one.name || one.model || `Analyzer ${one.number}`;
    const about = [`analyzer ${one.number}`, one.name && one.model, one.feeds, one.simulated && "simulated"].filter(Boolean).join(", ");
    const left = one.current_headroom === null ? "–" : `${part(Math.max(one.current_headroom, 0), 0)} %`;
    const ranges = one.ranges === "fixed" ? `${one.voltage_range_v} V, ${one.current_range_a} A` : one.ranges;
    wanted.push([name, about, "", reading(one.latest), [ranges, left, one.uncertainty === null ? "–" : `${part(one.uncertainty, 2)} %`, one.counts.samples, one.counts.bad, one.counts.missed], one.current_headroom !== null && one.current_headroom < 0.02, one.uncertainty !== null && one.uncertainty > now.limit]);
    one.channels.forEach((channel, at) => wanted.push([`Channel ${at + 1}`, "", "channel", reading(channel), ["", "", "", "", "", ""]]));
  }
  if (now.analyzers.length > 1) {
    const { latest, uncertainty, counts } = now.total;
    wanted.push(["All", "volts averaged, watts and amperes summed", "", reading(latest), ["", "", uncertainty === null ? "–" : `${part(uncertainty, 2)} %`, counts.samples, counts.bad, counts.missed], false, uncertainty !== null && uncertainty > now.limit]);
  }
  const body = $("rows");
  while (body.children.length > wanted.length) body.lastChild.remove();
  wanted.forEach(([name, about, kind, told, more, tight = false, above = false], at) => {
    let row = body.children[at];
    if (!row) {
      row = make("tr", {}, make("th", { scope: "row" }, make("b"), make("span")));
      for (const head of HEADS.slice(1)) { const cell = make("td"); cell.dataset.name = head; row.append(cell); }
      body.append(row);
    }
    row.className = kind;
    put(row.querySelector("b"), name); put(row.querySelector("span"), about);
    [...told, ...more].forEach((text, column) => { const cell = row.children[column + 1]; put(cell, String(text)); cell.classList.toggle("none", text === ""); });
    row.children[7].classList.toggle("warn", tight);
    row.children[8].classList.toggle("bad", above);
  });
}

function reading(told) {
  if (!told) return ["–", "–", "–", "–"];
  if (told.validity !== "good") return [`${told.validity}`, "–", "–", "–"];
  return [figure(told.power_w, 2, " W"), figure(told.voltage_v, 2, " V"), `${small(told.current_a)} A`, figure(told.power_factor, 3)];
}

function facts(now) {
  const session = now.session, told = [];
  if (session) {
    const client = session.client;
    told.push(["Client", client ? `${client.name ? `${client.name}, ` : ""}${client.peer.replace(/^client /, "")}${client.encrypted ? ", encrypted" : / 127\.| ::1/.test(` ${client.peer}`) ? ", this machine" : ", not encrypted"}` : "–"]);
    told.push(["Began", stamp(session.opened_t_utc_ms)]);
    const last = session.clock;
    told.push(["Clock offset", last ? `${last.offset_ms.toFixed(3)} ± ${last.uncertainty_ms.toFixed(3)} ms at ${clock(last.t_utc_ms, true)}` : "not told by the client"]);
  }
  told.push(["Director", now.listening || "starting"], ["Sampling", `every ${now.interval_ms} ms`], ["wattrig", now.version]);
  if (now.dropped_events) told.push(["Page", `${now.dropped_events} events were dropped: figures here have gaps, the record has none`]);
  const key = JSON.stringify(told);
  if ($("facts").dataset.key === key) return;
  $("facts").dataset.key = key;
  $("facts").replaceChildren(...told.flatMap(([name, text]) => [make("dt", { textContent: name }), make("dd", { textContent: text })]));
}

function warnings(list) {
  const box = $("warnings");
  for (const one of [...list].reverse()) {
    let item = document.getElementById(`warning-${one.id}`);
    if (!item) {
      item = make("li", { id: `warning-${one.id}`, className: one.level }, make("div", { textContent: one.text }), make("span"));
      box.prepend(item);
    }
    put(item.firstChild, one.text);
    put(item.lastChild, one.count > 1 ? `${one.count} times, ${clock(one.first_t_utc_ms, true)} to ${clock(one.t_utc_ms, true)}` : clock(one.t_utc_ms, true));
  }
  const known = new Set(list.map((one) => `warning-${one.id}`));
  for (const item of [...box.children]) if (!known.has(item.id)) item.remove();
  $("no-warnings").hidden = list.length > 0;
  $("warning-count").hidden = !list.length;
  put("warning-count", String(list.length));
}

function legend(now, several) {
  const shown = several ? [[0, "all"], ...now.analyzers.slice(0, 16).map((one) => [one.number, one.name || `analyzer ${one.number}`])] : [];
  const key = JSON.stringify(shown);
  if ($("legend").dataset.key === key) return;
  $("legend").dataset.key = key;
  $("legend").replaceChildren(...shown.map(([at, name]) => make("span", { className: `legend c${at % 6}`, textContent: name })), make("span", { className: "legend mark", textContent: "bad or missed sample" }));
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

// ---- past sessions

async function loadPast() {
  try {
    const answer = await fetch("/api/v1/sessions");
    if (!answer.ok) return;
    const told = await answer.json();
    past = new Map(told.sessions.map((one) => [one.id, one]));
    $("past").replaceChildren(...told.sessions.map(pastRow));
    $("past").closest(".wide").hidden = !told.total;
    put("past-note", told.total > told.sessions.length ? `The newest ${told.sessions.length} of ${told.total}.` : told.total ? "" : "None yet.");
    outcome(state?.session);
  } catch { lost("no connection"); }
}

const PAST = [...document.querySelectorAll(".past thead th")].map((head) => head.textContent);

function pastRow(one) {
  const word = (verdict) => make("span", { className: KIND[verdict] ?? "soft", textContent: verdict ? WORDS[verdict] ?? verdict : "–" });
  const why = one.outcome === "complete" ? (one.whole || !one.strict ? one.findings[0] ?? "" : "the client's half is on the measured machine") : one.reason;
  const ended = one.ended_t_utc_ms ? stamp(one.ended_t_utc_ms) : "";
  const strict = make("span", {}, word(one.strict));
  if (one.outcome === "complete" && !one.strict) strict.replaceChildren(make("span", { className: "soft", textContent: "follows" }));
  const outcome = make("span", {}, make("span", { className: KIND[one.outcome] ?? "soft", textContent: one.outcome }));
  if (why) (one.outcome === "complete" ? strict : outcome).append(make("span", { className: "reason", textContent: why }));
  const report = one.outcome === "complete" ? make("a", { href: `/api/v1/sessions/${encodeURIComponent(one.id)}/report`, textContent: "report", ariaLabel: `Report of ${one.id}` }) : "–";
  const cells = [outcome, strict, word(one.reference), figure(one.mean_w, 2, " W"), figure(one.energy_j, 1, " J"), report];
  const row = make("tr", {}, make("th", { scope: "row" }, one.id, make("span", { textContent: ended })));
  cells.forEach((cell, at) => { const box = make("td", {}, cell); box.dataset.name = PAST[at + 1]; row.append(box); });
  return row;
}

$("follow").addEventListener("click", () => chart.showEnd());
$("all").addEventListener("click", () => chart.showAll());
$("in").addEventListener("click", () => chart.zoom(0.5));
$("out").addEventListener("click", () => chart.zoom(2));
chart.resize();
connect();
