"use strict";
// Power over time on a canvas. The server reduces what is asked for to one column for each pixel, so a day is drawn as
// fast as a minute; zooming asks for more.
class Chart extends Painter {
  constructor(box, hooks) {
    super(box.querySelector("canvas"));
    this.box = box;
    this.hooks = hooks;
    this.series = new Map();
    this.phases = [];
    this.interval = 1000;
    this.bounds = null;
    this.view = null;
    this.follow = this.all = true;
    this.fetched = 0;
    this.hover = null;
    this.pointers = new Map();
    new ResizeObserver(() => { this.resize(); this.load(); }).observe(box);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"])
      matchMedia(query).addEventListener("change", () => this.draw());
    this.listen();
  }

  get points() { return Math.min(Math.max(Math.round(this.width), 100), 2000); }

  reset() {
    this.series.clear();
    this.bounds = this.view = null;
    this.follow = this.all = true;
    this.fetched = 0;
    this.changed();
  }

  resize() {
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    this.draw();
  }

  // What the server told of a span takes the place of what was known.
  set(found) {
    for (const one of found.series)
      this.series.set(one.analyzer, { t: one.t_utc_ms, low: one.low, mean: one.mean, high: one.high, bad: one.bad });
    this.whole = found.whole;
    this.fetched = this.count();
    this.widen(found.from_ms, found.to_ms);
    this.changed();
  }

  append(samples, shown) {
    for (const [analyzer, t, power, bad] of samples) {
      this.widen(t, t);
      if (!shown(analyzer) || (this.view && t > this.view.to && !this.follow)) continue;
      if (!this.series.has(analyzer)) this.series.set(analyzer, { t: [], low: [], mean: [], high: [], bad: [] });
      const one = this.series.get(analyzer);
      if (one.t.length && t <= one.t[one.t.length - 1]) continue;
      one.t.push(t); one.low.push(power); one.mean.push(power); one.high.push(power); one.bad.push(bad ? 1 : 0);
    }
    if (this.follow && this.bounds) this.glue();
    // Appended samples are finer than the columns: once there are many, ask for columns again.
    if (this.follow && this.count() > this.fetched + this.points) this.load();
    this.changed();
  }

  count() { return Math.max(0, ...[...this.series.values()].map((one) => one.t.length)); }

  widen(from, to) {
    if (!(to > 0)) return;
    if (!this.bounds) this.bounds = { from, to };
    this.bounds.from = Math.min(this.bounds.from, from);
    this.bounds.to = Math.max(this.bounds.to, to);
    if (!this.view || this.follow) this.glue();
  }

  glue() {
    const { from, to } = this.bounds;
    const span = this.all || !this.view ? Math.max(to - from, 10000) : this.view.to - this.view.from;
    this.view = this.all ? { from, to: from + span } : { from: to - span, to };
  }

  show(from, to) {
    if (!this.bounds) return;
    const whole = Math.max(this.bounds.to - this.bounds.from, 10000);
    let span = Math.min(Math.max(to - from, 2000), whole);
    from = Math.min(Math.max(from, this.bounds.from), this.bounds.from + whole - span);
    this.view = { from, to: from + span };
    this.all = span >= whole * 0.999;
    this.follow = this.all || (this.follow && this.view.to >= this.bounds.to - 1);
    this.changed();
    this.load();
  }

  zoom(factor, at) {
    if (!this.view) return;
    const { from, to } = this.view;
    const centre = at ?? (this.follow ? to : (from + to) / 2);
    const stays = this.follow && at === undefined;
    this.show(centre - (centre - from) * factor, centre + (to - centre) * factor);
    if (stays && !this.all) { this.follow = true; this.glue(); this.changed(); this.load(); }
  }

  pan(part) {
    if (!this.view) return;
    const by = (this.view.to - this.view.from) * part;
    const reaches = this.view.to + by >= this.bounds.to;
    this.show(this.view.from + by, this.view.to + by);
    if (!this.all) { this.follow = part > 0 && reaches; this.changed(); }
  }

  showAll() { this.all = this.follow = true; if (this.bounds) { this.glue(); this.changed(); this.load(); } }
  showEnd() { this.follow = true; if (this.bounds) { this.glue(); this.changed(); this.load(); } }

  load() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.all || !this.view) return this.hooks.load(null, null, this.points);
      const margin = (this.view.to - this.view.from) * 0.5;
      this.hooks.load(Math.max(0, Math.floor(this.view.from - margin)), Math.ceil(this.view.to + margin), this.points * 2);
    }, 70);
  }

  changed() {
    this.hooks.changed(this);
    this.draw();
  }

  draw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = 0; this.paint(); });
  }

  listen() {
    const box = this.box, place = (event) => event.clientX - box.getBoundingClientRect().left;
    const time = (x) => this.view.from + ((x - this.pad.left) / this.width) * (this.view.to - this.view.from);
    box.addEventListener("pointerdown", (event) => {
      this.pointers.set(event.pointerId, place(event));
      box.setPointerCapture(event.pointerId);
    });
    box.addEventListener("pointermove", (event) => {
      const x = place(event), before = this.pointers.get(event.pointerId);
      this.hover = x;
      if (before !== undefined && this.view) {
        const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
        if (others.length) {
          const factor = Math.abs(before - others[0]) / Math.max(Math.abs(x - others[0]), 1);
          this.zoom(factor, time(others[0]));
        } else if (x !== before) this.pan((before - x) / this.width);
        this.pointers.set(event.pointerId, x);
      }
      this.draw();
    });
    for (const name of ["pointerup", "pointercancel"]) box.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    box.addEventListener("pointerleave", () => { this.hover = null; this.draw(); });
    // A wheel over the chart scrolls the page until the chart is clicked or focused.
    box.addEventListener("wheel", (event) => {
      if (!this.view || !(event.ctrlKey || document.activeElement === box)) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, time(place(event)));
    }, { passive: false });
    box.addEventListener("keydown", (event) => {
      const act = {
        ArrowLeft: () => this.pan(-0.2), ArrowRight: () => this.pan(0.2), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5),
        "-": () => this.zoom(2), Home: () => this.showAll(), End: () => this.showEnd(),
      }[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
  }
}
