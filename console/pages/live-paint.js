"use strict";
// How power over time is painted on a canvas; what is shown of it, Chart decides.
class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.pad = { left: 60, right: 10, top: 22, bottom: 24 };
  }

  get width() { return Math.max(this.canvas.clientWidth - this.pad.left - this.pad.right, 10); }
  get height() { return Math.max(this.canvas.clientHeight - this.pad.top - this.pad.bottom, 10); }

  x(t) { return this.pad.left + ((t - this.view.from) / (this.view.to - this.view.from)) * this.width; }
  y(value) { return this.pad.top + this.height - ((value - this.low) / (this.high - this.low)) * this.height; }

  paint() {
    const pen = this.canvas.getContext("2d"), ratio = devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    if (!this.view) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.scale();
    this.paintPhases(pen, colour);
    this.paintAxes(pen, colour);
    pen.save();
    pen.beginPath(); pen.rect(this.pad.left, 0, this.width, this.pad.top + this.height); pen.clip();
    for (const [analyzer, one] of this.series) this.paintSeries(pen, one, colour(`--c${this.series.size > 1 ? analyzer % 6 : 0}`), colour("--bad"));
    pen.restore();
    this.paintHover(pen, colour);
  }

  scale() {
    let low = Infinity, high = -Infinity;
    for (const one of this.series.values())
      for (let i = 0; i < one.t.length; i++) {
        if (one.t[i] < this.view.from || one.t[i] > this.view.to || one.low[i] === null) continue;
        low = Math.min(low, one.low[i]); high = Math.max(high, one.high[i]);
      }
    if (!(high >= low)) [low, high] = [0, 1];
    const room = Math.max((high - low) * 0.08, high * 0.01, 0.05);
    this.low = low > 0 && low < high * 0.35 ? 0 : low - room;
    this.high = high + room;
  }

  paintPhases(pen, colour) {
    pen.font = "600 11px system-ui, sans-serif";
    for (const phase of this.phases) {
      const from = Math.max(this.x(phase.begin_t_utc_ms), this.pad.left);
      const to = Math.min(this.x(phase.end_t_utc_ms ?? this.view.to), this.pad.left + this.width);
      if (to <= from) continue;
      pen.fillStyle = colour(phase.name === "testing" ? "--c0" : "--c1");
      pen.globalAlpha = 0.07; pen.fillRect(from, this.pad.top, to - from, this.height); pen.globalAlpha = 1;
      if (to - from > 50) { pen.textAlign = "left"; pen.textBaseline = "bottom"; pen.fillText(phase.name, from, this.pad.top - 3); }
    }
  }

  paintAxes(pen, colour) {
    pen.strokeStyle = colour("--line"); pen.fillStyle = colour("--soft"); pen.lineWidth = 1;
    pen.font = "11px system-ui, sans-serif"; pen.textBaseline = "middle"; pen.textAlign = "right";
    const step = nice((this.high - this.low) / 5), digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    for (let value = Math.ceil(this.low / step) * step; value <= this.high; value += step) {
      const y = Math.round(this.y(value)) + 0.5;
      pen.beginPath(); pen.moveTo(this.pad.left, y); pen.lineTo(this.pad.left + this.width, y); pen.stroke();
      pen.fillText(`${value.toFixed(digits)} W`, this.pad.left - 6, y);
    }
    const span = this.view.to - this.view.from, wanted = span / Math.max(this.width / 110, 2);
    const every = STEPS.find((each) => each >= wanted) ?? STEPS[STEPS.length - 1] * Math.ceil(wanted / STEPS[STEPS.length - 1]);
    const zone = new Date(this.view.from).getTimezoneOffset() * 60000;
    pen.textAlign = "center"; pen.textBaseline = "top";
    for (let t = Math.ceil((this.view.from - zone) / every) * every + zone; t <= this.view.to; t += every) {
      const x = this.x(t);
      pen.beginPath(); pen.moveTo(x, this.pad.top + this.height); pen.lineTo(x, this.pad.top + this.height + 4); pen.stroke();
      if (x > this.pad.left + 18 && x < this.pad.left + this.width - 18) pen.fillText(clock(t, every < 60000), x, this.pad.top + this.height + 7);
    }
  }

  paintSeries(pen, one, stroke, bad) {
    const gap = Math.max(2.5 * this.interval, 4 * ((this.view.to - this.view.from) / this.width));
    const begin = Math.max(0, lower(one.t, this.view.from) - 1), end = Math.min(one.t.length, lower(one.t, this.view.to) + 1);
    pen.fillStyle = pen.strokeStyle = stroke;
    pen.globalAlpha = 0.35;
    for (let i = begin; i < end; i++)
      if (one.low[i] !== null && one.high[i] > one.low[i]) {
        const top = this.y(one.high[i]);
        pen.fillRect(this.x(one.t[i]) - 0.75, top, 1.5, this.y(one.low[i]) - top);
      }
    pen.globalAlpha = 1; pen.lineWidth = 1.6; pen.lineJoin = "round"; pen.beginPath();
    let before = null;
    for (let i = begin; i < end; i++) {
      if (one.mean[i] === null) { before = null; continue; }
      const x = this.x(one.t[i]), y = this.y(one.mean[i]);
      if (before === null || one.t[i] - before > gap) pen.moveTo(x, y); else pen.lineTo(x, y);
      before = one.t[i];
    }
    pen.stroke();
    if ((this.view.to - this.view.from) / 1000 < this.width / 6) {
      for (let i = begin; i < end; i++)
        if (one.mean[i] !== null) { pen.beginPath(); pen.arc(this.x(one.t[i]), this.y(one.mean[i]), 2.2, 0, 7); pen.fill(); }
    }
    pen.fillStyle = bad;
    for (let i = begin; i < end; i++)
      if (one.bad[i]) { pen.beginPath(); pen.arc(this.x(one.t[i]), this.pad.top + this.height - 4, 3.2, 0, 7); pen.fill(); }
  }

  paintHover(pen, colour) {
    const parts = [];
    if (this.hover !== null && this.hover >= this.pad.left && this.hover <= this.pad.left + this.width) {
      const t = this.view.from + ((this.hover - this.pad.left) / this.width) * (this.view.to - this.view.from);
      let at = null;
      for (const [analyzer, one] of this.series) {
        const i = nearest(one.t, t);
        if (i < 0) continue;
        at = one.t[i];
        const name = this.series.size > 1 ? `${analyzer ? `analyzer ${analyzer}` : "all"} ` : "";
        const spread = one.high[i] > one.low[i] ? ` (${one.low[i].toFixed(1)} to ${one.high[i].toFixed(1)})` : "";
        parts.push(name + (one.mean[i] === null ? "bad sample" : `${one.mean[i].toFixed(2)} W${spread}`));
      }
      if (at !== null) {
        pen.strokeStyle = colour("--soft"); pen.globalAlpha = 0.6;
        pen.beginPath(); pen.moveTo(this.x(at), this.pad.top); pen.lineTo(this.x(at), this.pad.top + this.height); pen.stroke();
        pen.globalAlpha = 1;
        parts.unshift(clock(at, true));
      }
    }
    this.hooks.readout(parts.join(", "));
  }
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].map((each) => each * 1000);

function nice(rough) {
  const power = 10 ** Math.floor(Math.log10(rough)), part = rough / power;
  return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

function lower(times, t) {
  let low = 0, high = times.length;
  while (low < high) { const middle = (low + high) >> 1; if (times[middle] < t) low = middle + 1; else high = middle; }
  return low;
}

function nearest(times, t) {
  if (!times.length) return -1;
  const after = Math.min(lower(times, t), times.length - 1), before = Math.max(after - 1, 0);
  return t - times[before] < times[after] - t ? before : after;
}

function clock(t, seconds) {
  return new Date(t).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined, hour12: false });
}
