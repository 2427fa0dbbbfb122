/* Wheel, mouse and fingers on a stage of canvases, told as what is meant by them.

   One pointer pans, or windows with the right button and where `windowing()`; two pinch; a quick finger
   swipes where `swiping()`.  meant = {zoom(factor, event), pan(x, y), window(x, y), swipe(±1), windowing(),
   swiping()}, distances in CSS pixels since the last call. */
"use strict";
negviz.Gestures = class {
  static swipe = 60; // CSS pixels

  constructor(stage, meant) {
    this.stage = stage;
    this.meant = meant;
    this.pointers = new Map();
    this.started = null; // where a lone pointer came down
    stage.addEventListener("contextmenu", event => event.preventDefault());
    stage.addEventListener("wheel", event => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", event => this.down(event));
    stage.addEventListener("pointermove", event => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, event => this.up(event));
  }

  wheel(event) {
    if (!event.target.matches("canvas")) return;
    event.preventDefault();
    const gentle = event.ctrlKey ? 100 : 300; // a pinch on a touchpad comes as small steps with Ctrl
    this.meant.zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / gentle), event);
  }

  down(event) {
    if (!event.target.matches("canvas")) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    this.started = this.pointers.size === 1 ? event : null;
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.pointers.values()].find(one => one.pointerId !== event.pointerId);
    this.pointers.set(event.pointerId, event);
    const [x, y] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (other) this.pinch(before, event, other);
    else if (event.buttons & 2 || (this.meant.windowing() && event.buttons & 1)) this.meant.window(x, y);
    else this.meant.pan(x, y);
  }

  pinch(before, now, other) {
    const apart = one => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const middle = { clientX: (now.clientX + other.clientX) / 2, clientY: (now.clientY + other.clientY) / 2 };
    this.meant.zoom(apart(now) / Math.max(1, apart(before)), middle);
    this.meant.pan((now.clientX - before.clientX) / 2, (now.clientY - before.clientY) / 2);
  }

  up(event) {
    const { started } = this;
    this.pointers.delete(event.pointerId);
    this.started = null;
    if (!started || event.type !== "pointerup" || event.pointerType !== "touch" || !this.meant.swiping()) return;
    const [x, y] = [event.clientX - started.clientX, event.clientY - started.clientY];
    if (Math.abs(x) > negviz.Gestures.swipe && Math.abs(x) > 2 * Math.abs(y)) this.meant.swipe(-Math.sign(x));
  }
};
