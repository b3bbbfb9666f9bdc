"use strict";
// Everything here is a comfort: without it the page shows the same figures.
const SVG = "http://www.w3.org/2000/svg", STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

function clock(s) {
  const whole = Math.round(Math.abs(s)), h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60, two = n => String(n).padStart(2, "0");
  return (s < 0 && whole ? "\u2212" : "") + (h ? `${h}:${two(m)}:${two(whole % 60)}` : `${m}:${two(whole % 60)}`);
}

function floats(text) {
  return new Float32Array(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
}

function step(span, parts) {
  const power = 10 ** Math.floor(Math.log10(span / parts));
  return [1, 2, 2.5, 5, 10].map(factor => factor * power).find(size => span / size <= parts + 1) || span;
}

class Chart {
  constructor(svg) {
    this.svg = svg; this.area = svg.querySelector(".area");
    const data = JSON.parse(svg.dataset.zoom);
    svg.removeAttribute("data-zoom"); svg.setAttribute("data-zoom", "");
    this.at = floats(data.at_s); this.mean = floats(data.mean); this.whole = data.whole;
    this.low = data.whole ? this.mean : floats(data.low); this.high = data.whole ? this.mean : floats(data.high);
    this.x0 = this.x = svg.dataset.x.split(" ").map(Number); this.y0 = this.y = svg.dataset.y.split(" ").map(Number);
    this.still = ["area", "marks", "x-ticks", "y-ticks"].map(name => svg.querySelector("." + name).innerHTML);
    this.out = document.createElement("output"); this.out.className = "readout"; this.out.setAttribute("aria-live", "polite");
    this.said = this.out.appendChild(document.createElement("span"));
    this.said.textContent = "drag to zoom; with the keyboard: arrows, + and -, 0 for all";
    this.reset = document.createElement("button"); this.reset.textContent = "show all"; this.reset.hidden = true; this.out.append(this.reset);
    svg.after(this.out);
    this.reset.onclick = () => this.zoom(this.x0);
    svg.addEventListener("pointermove", event => this.move(this.part(event)));
    svg.addEventListener("pointerdown", event => { this.from = this.part(event); svg.setPointerCapture(event.pointerId); });
    svg.addEventListener("pointerup", event => this.up(this.part(event)));
    svg.addEventListener("dblclick", () => this.zoom(this.x0));
    svg.addEventListener("keydown", event => this.key(event));
  }
  part(event) { const box = this.area.getBoundingClientRect(); return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)); }
  time(part) { return this.x[0] + part * (this.x[1] - this.x[0]); }
  nearest(time) {
    let low = 0, high = this.at.length - 1;
    while (low < high) { const middle = (low + high) >> 1; if (this.at[middle] < time) low = middle + 1; else high = middle; }
    return low && time - this.at[low - 1] < this.at[low] - time ? low - 1 : low;
  }
  move(part) {
    this.cursor = part;
    const row = this.nearest(this.time(part));
    if (this.at.length) {
      const span = this.whole ? "" : ` (${this.low[row].toPrecision(5)} to ${this.high[row].toPrecision(5)})`;
      this.said.textContent = `${clock(this.at[row])}: ${this.mean[row].toPrecision(5)}${span} ${this.svg.dataset.name.split(", ").pop()}`;
    }
    this.mark("cursor", `M${part * 1000} 0V1000`);
    if (this.from !== undefined) this.mark("picked", `M${this.from * 1000} 0H${part * 1000}V1000H${this.from * 1000}Z`);
  }
  mark(kind, path) {
    let found = this.area.querySelector("." + kind);
    if (!found) { found = this.area.appendChild(document.createElementNS(SVG, "path")); found.setAttribute("class", kind); }
    found.setAttribute("d", path);
  }
  up(part) {
    const [low, high] = [this.from, part].sort((a, b) => a - b);
    this.from = undefined; this.area.querySelector(".picked")?.remove();
    if (high - low > 0.01) this.zoom([this.time(low), this.time(high)]);
  }
  key(event) {
    const middle = this.time(this.cursor ?? 0.5), span = this.x[1] - this.x[0], near = size => [middle - size / 2, middle + size / 2];
    const moves = { ArrowLeft: () => this.move(Math.max(0, (this.cursor ?? 0.5) - 0.01)), ArrowRight: () => this.move(Math.min(1, (this.cursor ?? 0.5) + 0.01)),
      "+": () => this.zoom(near(span / 2)), "-": () => this.zoom(near(span * 2)), 0: () => this.zoom(this.x0), Escape: () => this.zoom(this.x0) };
    if (moves[event.key]) { event.preventDefault(); moves[event.key](); }
  }
  zoom([low, high]) {
    low = Math.max(low, this.x0[0]); high = Math.min(high, this.x0[1]);
    if (high - low < 2) return;
    this.reset.hidden = low === this.x0[0] && high === this.x0[1];
    ["area", "marks", "x-ticks", "y-ticks"].forEach((name, at) => { this.svg.querySelector("." + name).innerHTML = this.still[at]; });
    [this.x, this.y] = [this.x0, this.y0];
    if (this.reset.hidden) return;
    const before = this.x; this.x = [low, high];
    this.draw(before);
  }
  draw(before) {
    const from = Math.max(0, this.nearest(this.x[0]) - 1), to = Math.min(this.at.length, this.nearest(this.x[1]) + 2);
    let least = Infinity, most = -Infinity;
    for (let row = from; row < to; row++) { least = Math.min(least, this.low[row]); most = Math.max(most, this.high[row]); }
    if (!(most >= least)) return;
    const size = step((most - least) || Math.abs(most) / 10 || 1, 4);
    const rim = (most - least) * 0.02 || size / 2, foot = Math.floor((least - rim) / size);
    this.y = [(least < 0 ? foot : Math.max(foot, 0)) * size, Math.ceil((most + rim) / size) * size];
    const across = time => (time - this.x[0]) / (this.x[1] - this.x[0]) * 1000, up = value => (this.y[1] - value) / (this.y[1] - this.y[0]) * 1000;
    const points = (rows, column) => rows.map(row => `${across(this.at[row]).toFixed(1)} ${up(column[row]).toFixed(1)}`);
    const rows = Array.from({ length: to - from }, (_, n) => from + n), usual = rows.length > 2 ? (this.at[to - 1] - this.at[from]) / (rows.length - 1) : Infinity;
    const gap = rows.map((row, n) => n && this.at[row] - this.at[row - 1] > 3 * usual ? "M" : "L");
    const set = (kind, path) => { const found = this.area.querySelector("." + kind); if (found) found.setAttribute("d", path); };
    set("line:not(.limit)", "M" + points(rows, this.mean).map((at, n) => (n ? gap[n] : "") + at).join(""));
    set("span", this.whole ? "" : "M" + points(rows, this.high).concat(points([...rows].reverse(), this.low)).join("L") + "Z");
    const window_ = this.area.querySelector(".window");
    if (window_) {
      const old = n => before[0] + n / 1000 * (before[1] - before[0]), left = +window_.getAttribute("x"), wide = +window_.getAttribute("width");
      const [begin, end] = [across(old(left)), across(old(left + wide))].map(at => Math.min(1000, Math.max(0, at)));
      window_.setAttribute("x", begin); window_.setAttribute("width", end - begin);
    }
    this.area.querySelectorAll(".limit").forEach(found => {
      const value = this.y0[1] - (+found.getAttribute("d").match(/M\S+ ([\d.]+)/)[1]) / 1000 * (this.y0[1] - this.y0[0]);
      found.setAttribute("d", `M0 ${up(value)}H1000`);
    });
    this.svg.querySelectorAll(".marks circle").forEach(found => {
      const at = before[0] + parseFloat(found.getAttribute("cx")) / 100 * (before[1] - before[0]);
      const value = this.y0[1] - parseFloat(found.getAttribute("cy")) / 100 * (this.y0[1] - this.y0[0]);
      found.style.display = at < this.x[0] || at > this.x[1] ? "none" : "";
      found.setAttribute("cx", across(at) / 10 + "%"); found.setAttribute("cy", Math.min(1000, Math.max(0, up(value))) / 10 + "%");
    });
    this.ticks(across, up, size);
  }
  ticks(across, up, size) {
    const put = (group, found) => { this.svg.querySelector(group).innerHTML = found.join(""); };
    const every = STEPS_S.find(each => (this.x[1] - this.x[0]) / each <= 6) || 86400, times = [], values = [], rules = [];
    for (let at = Math.ceil(this.x[0] / every) * every; at <= this.x[1]; at += every)
      times.push(`<text class="tick middle" x="${across(at) / 10}%" y="100%" dy="18">${clock(at)}</text>`);
    for (let n = Math.round(this.y[0] / size); n <= Math.round(this.y[1] / size); n++) {
      values.push(`<text class="tick end" x="0" y="${up(n * size) / 10}%" dx="-8" dy="4">${+(n * size).toPrecision(6)}</text>`);
      rules.push(`<path class="rule" d="M0 ${up(n * size)}H1000"/>`);
    }
    put(".x-ticks", times); put(".y-ticks", values); put(".rules", rules);
  }
}

function sortable(table) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes); head.append(button);
    button.onclick = () => {
      const up = head.getAttribute("aria-sort") !== "ascending", body = table.tBodies[0];
      table.querySelectorAll("th").forEach(each => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const order = (a, b) => (a === "") - (b === "") || (up ? 1 : -1) * (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
      [...body.rows].sort((a, b) => order(value(a), value(b))).forEach(row => body.append(row));
    };
  });
}

document.querySelectorAll(".chart[data-zoom]").forEach(svg => new Chart(svg));
document.querySelectorAll("table.sortable").forEach(sortable);
const opened = () => { const found = location.hash && document.getElementById(location.hash.slice(1)); if (found?.tagName === "DETAILS") found.open = true; };
addEventListener("hashchange", opened); opened();
