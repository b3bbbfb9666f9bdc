"use strict";
// What is known now: cards, tables, facts, warnings.
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
  put("clock-note", offset ? `± ${offset.uncertainty_ms.toFixed(3)} ms, director\u00a0−\u00a0client` : "a client of wattrig tells it");
}

function range(now) {
  const known = now.analyzers.filter((one) => one.current_headroom !== null);
  const least = known.reduce((a, b) => (a && a.current_headroom <= b.current_headroom ? a : b), null);
  put("headroom", least ? part(Math.max(least.current_headroom, 0), 0) : "–");
  $("range-card").className = `card ${least && least.current_headroom < 0.02 ? "warn" : ""}`;
  $("headroom-bar").style.transform = `scaleX(${least ? Math.min(1 - least.current_headroom, 1) : 0})`;
  const automatic = now.analyzers.some((one) => one.ranges === "automatic");
  put("range-note", least ? `${small((1 - least.current_headroom) * least.current_range_a)} of ${least.current_range_a} A${known.length > 1 ? `, analyzer ${least.number}` : ""}` : automatic ? "automatic while ranging" : "not known yet");
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
