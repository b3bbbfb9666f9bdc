"use strict";
// The sessions that are kept.
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
  const half = one.strict && !one.whole ? "the client's half is on the measured machine" : "";
  const why = one.outcome === "complete" ? one.findings[0] ?? half : one.reason;
  const ended = one.ended_t_utc_ms ? stamp(one.ended_t_utc_ms) : "";
  const strict = make("span", {}, word(one.strict));
  if (one.outcome === "complete" && !one.strict) strict.replaceChildren(make("span", { className: "soft", textContent: "follows" }));
  const outcome = make("span", {}, make("span", { className: KIND[one.outcome] ?? "soft", textContent: one.outcome }));
  if (why) (one.outcome === "complete" ? strict : outcome).append(make("span", { className: "reason", textContent: why }));
  const report = one.outcome === "complete" ? make("a", { href: `/api/v1/sessions/${encodeURIComponent(one.id)}/report`, textContent: "report", ariaLabel: `Report of ${one.id}` }) : "–";
  const cells = [outcome, strict, word(one.reference), figure(one.mean_w, 2, "\u00a0W"), figure(one.energy_j, 1, "\u00a0J"), report];
  const row = make("tr", {}, make("th", { scope: "row" }, one.id, make("span", { textContent: ended })));
  cells.forEach((cell, at) => { const box = make("td", {}, cell); box.dataset.name = PAST[at + 1]; row.append(box); });
  return row;
}
