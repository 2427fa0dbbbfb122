/* The reader study: one comparison after another, by keyboard if one likes, with a clock that is honest.

   The clock runs from the first frame that holds all films until the decision is saved.  What it takes for a
   pause: the button, another window, and whatever exceeds `data-idle` ms without a key or a movement.  The
   server holds every decision; this page keeps the reader's code for its own tab alone. */
"use strict";
(() => {
  const KEPT = "negviz-study";
  const CHOICES = { 1: "left", 2: "same", 3: "right" };
  const AWAY = ["keydown", "pointermove", "pointerdown", "wheel", "touchmove"];

  const root = () => document.querySelector(".nv-study");
  const stage = () => root().querySelector(".nv-study-stage");
  const trial = () => document.querySelector(".nv-study-trial");
  const closer = () => document.querySelector(".nv-study-closer");
  const texts = () => JSON.parse(root().dataset.words);
  const code = () => sessionStorage.getItem(KEPT) ?? "";
  const say = text => { root().querySelector(".nv-study-said").textContent = text; };

  class Clock {
    constructor(idle) {
      this.idle = idle;
      this.began = performance.now();
      this.last = null; // until the films are there
      this.covered = false;
      this.active = this.paused = this.pauses = this.loading = 0;
    }

    start() {
      this.last = performance.now();
      this.loading = this.last - this.began;
    }

    /* To be called before anything changes: what has passed was work, or a pause. */
    tick() {
      if (this.last === null) return;
      const now = performance.now();
      const passed = now - this.last;
      this.last = now;
      if (this.covered) {
        this.paused += passed;
        return;
      }
      this.active += Math.min(passed, this.idle);
      this.paused += Math.max(0, passed - this.idle);
      if (passed > this.idle) this.pauses += 1;
    }

    cover(is) {
      if (is === this.covered) return;
      this.tick();
      this.covered = is;
      if (is && this.last !== null) this.pauses += 1;
    }

    get times() {
      this.tick();
      const whole = { active_ms: this.active, paused_ms: this.paused, loading_ms: this.loading };
      for (const name in whole) whole[name] = Math.round(whole[name]);
      return { ...whole, pauses: this.pauses };
    }
  }

  let clock = null;
  let pressed = false; // the pause button
  let busy = false;

  /* Talking to the server ------------------------------------------------------------------- */

  async function send(what, message, said = "") {
    if (busy) return;
    busy = true;
    try {
      const reply = await fetch(`study/${what}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(message),
      });
      const text = await reply.text();
      if (!reply.ok) {
        if (reply.status === 404) sessionStorage.removeItem(KEPT); // nobody has this code
        say(reply.status < 500 ? text : texts().FAILED);
        return;
      }
      if (message.code) sessionStorage.setItem(KEPT, message.code);
      show(text, said);
    } catch {
      say(texts().FAILED);
    } finally {
      busy = false;
    }
  }

  function show(text, said) {
    stage().innerHTML = text; // the server's own, in which everything from elsewhere is escaped
    say(said);
    const first = stage().firstElementChild;
    if (first.dataset.code) sessionStorage.setItem(KEPT, first.dataset.code);
    if ("gone" in first.dataset) sessionStorage.removeItem(KEPT);
    clock = null;
    pressed = false;
    first.querySelector("h2").focus();
    root().scrollIntoView({ block: "nearest" });
    if (trial()) begin(first);
  }

  async function begin(here) {
    const mine = (clock = new Clock(Number(root().dataset.idle)));
    await Promise.all([...here.querySelectorAll("img")].map(img => img.decode().catch(() => {})));
    if (clock !== mine) return;
    cover();
    here.dataset.shown = "";
    const frame = () => new Promise(done => requestAnimationFrame(done)); // none comes while nobody can see
    await frame();
    await frame();
    if (clock !== mine) return;
    mine.start();
    here.dataset.ready = "";
  }

  /* A comparison ---------------------------------------------------------------------------- */

  const films = () => [...trial().querySelectorAll(".nv-study-film")];
  const chosen = () => trial().querySelector("[data-choice][aria-pressed=true]")?.dataset.choice;
  const ready = () => trial() && "ready" in trial().dataset && !pressed;

  function choose(choice) {
    if (!ready()) return;
    for (const button of trial().querySelectorAll("[data-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
    }
    trial().querySelector("[data-study=save]").setAttribute("aria-disabled", "false");
    say("");
  }

  /* A film of both sides is one film. */
  function mark(id) {
    if (!ready()) return;
    const twins = films().filter(film => film.dataset.id === id);
    const wrong = twins[0].getAttribute("aria-pressed") !== "true";
    for (const twin of twins) twin.setAttribute("aria-pressed", String(wrong));
  }

  function save() {
    if (!ready()) return;
    if (!chosen()) {
      say(texts().NOT_YET);
      return;
    }
    const wrong = new Set(films().filter(film => film.getAttribute("aria-pressed") === "true").map(film => film.dataset.id));
    const place = Number(trial().dataset.place);
    send("decide", { code: code(), place, choice: chosen(), wrong: [...wrong], ...clock.times }, texts().SAVED);
  }

  /* While paused or unseen the films are covered and inert. */
  function cover() {
    const here = trial();
    if (!here || !clock) return;
    clock.cover(pressed || document.hidden);
    here.classList.toggle("nv-study-paused", pressed);
    here.querySelector(".nv-study-films").inert = pressed;
    here.querySelector(".nv-study-wait").textContent = pressed ? texts().PAUSED : "";
    const button = here.querySelector("[data-study=pause]");
    button.setAttribute("aria-pressed", String(pressed));
    button.querySelector("span").textContent = pressed ? texts().GO_ON : texts().PAUSE;
  }

  function pause() {
    if (!trial() || !("ready" in trial().dataset)) return;
    pressed = !pressed;
    if (pressed) trial().querySelector("[data-study=pause]").focus(); // what had the focus is covered
    cover();
  }

  function keys() {
    const help = trial().querySelector("#nv-study-keys");
    help.hidden = !help.hidden;
    trial().querySelector("[data-study=keys]").setAttribute("aria-expanded", String(!help.hidden));
    if (!help.hidden) help.scrollIntoView({ block: "nearest" });
  }

  /* Arrows go where they point, across to the other side at an edge. */
  function go(key) {
    const all = films();
    const at = all.indexOf(document.activeElement);
    if (at < 0) {
      focus(all.find(film => film.tabIndex === 0) ?? all[0]);
      return;
    }
    const from = all[at].getBoundingClientRect();
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    let nearest = null;
    for (const film of all) {
      const box = film.getBoundingClientRect();
      const [dx, dy] = [box.left - from.left, box.top - from.top];
      const along = x ? dx * x : dy * y;
      const aside = Math.abs(x ? dy : dx);
      if (along > 1 && aside < from.width / 2 && (!nearest || along < nearest.along)) nearest = { film, along };
    }
    if (nearest) focus(nearest.film);
  }

  function focus(film) {
    for (const other of film.closest("ol").querySelectorAll(".nv-study-film")) other.tabIndex = other === film ? 0 : -1;
    film.focus();
  }

  const does = {
    start: () => send("next", { code: code() }),
    save,
    pause,
    keys,
    look: () => ready() && look(document.activeElement.closest?.(".nv-study-film") ?? lastFilm ?? films()[0]),
    withdraw: () => send("withdraw", { code: code() }),
  };

  let lastFilm = null; // that had the focus in this comparison
  negviz.on("focusin", "", (_, event) => {
    const film = event.target.closest?.(".nv-study-film");
    if (film) lastFilm = film;
    else if (lastFilm && !lastFilm.isConnected) lastFilm = null;
  });

  function onTrial(event) {
    const film = event.target.closest(".nv-study-film");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (CHOICES[key]) choose(CHOICES[key]);
    else if (key.startsWith("Arrow") && ready()) go(key);
    else if (key === "x" && film) mark(film.dataset.id);
    else if (key === "v") does.look();
    else if (key === "n") save();
    else if (key === "p") pause();
    else if (key === "?") keys();
    else return;
    event.preventDefault();
  }

  /* Looking closer -------------------------------------------------------------------------- */

  let pane = null;
  let film = null;
  let view = null;
  let shade = null;

  function look(at) {
    const dialog = closer();
    if (!pane || !pane.figure.isConnected) {
      pane = new negviz.FilmPane(dialog.querySelector("figure"));
      new negviz.Gestures(pane.figure, { zoom, pan, window: windowing, swipe: step, windowing: () => false, swiping: () => view.zoom === 1 });
      new ResizeObserver(paint).observe(pane.figure);
    }
    if (!dialog.open) dialog.showModal();
    reset();
    pane.figure.focus();
    open(at);
  }

  async function open(at) {
    film = at;
    const dialog = closer();
    dialog.querySelector("h2").textContent = at.dataset.name;
    pane.canvas.setAttribute("aria-label", texts().CANVAS.replace("{film}", at.dataset.name));
    pane.show(null);
    say_wrong();
    paint();
    let trouble = "";
    try {
      const reply = await fetch(at.dataset.large);
      const image = reply.ok ? await createImageBitmap(await reply.blob()) : null;
      if (film !== at) return;
      if (image) pane.show(image);
      else trouble = texts().NO_FILM;
    } catch {
      trouble = texts().NO_FILM;
    }
    if (film !== at) return;
    dialog.querySelector("figure p").textContent = trouble;
    paint();
  }

  const say_wrong = () => closer().querySelector("[data-closer=wrong]").setAttribute("aria-pressed", film.getAttribute("aria-pressed"));

  function paint() {
    if (pane && view) pane.paint(view, shade);
    closer()?.querySelector("[data-closer=invert]").setAttribute("aria-pressed", String(shade?.invert ?? false));
  }

  function reset() {
    view = { zoom: 1, x: 0, y: 0 };
    shade = { brightness: 0, contrast: 0, invert: false };
    paint();
  }

  function zoom(by) {
    view = { ...view, zoom: Math.min(16, Math.max(1, view.zoom * by)) };
    pan(0, 0);
  }

  function pan(x, y) {
    const reach = pane.reach(view);
    const within = (value, most) => Math.min(most, Math.max(-most, value));
    view = { ...view, x: within(view.x + x, reach.x), y: within(view.y + y, reach.y) };
    paint();
  }

  function adjust(brightness, contrast) {
    const within = value => Math.min(100, Math.max(-100, value));
    shade = { ...shade, brightness: within(shade.brightness + brightness), contrast: within(shade.contrast + contrast) };
    paint();
  }

  const windowing = (x, y) => adjust(-y / 3, x / 3);

  /* To the film before or after, within its side. */
  function step(by) {
    const side = [...film.closest("ol").querySelectorAll(".nv-study-film")];
    const next = side[side.indexOf(film) + by];
    if (next) open(next);
  }

  const closerDoes = {
    previous: () => step(-1),
    next: () => step(1),
    wrong: () => { mark(film.dataset.id); say_wrong(); },
    larger: () => zoom(1.5),
    smaller: () => zoom(1 / 1.5),
    brighter: () => adjust(10, 0),
    darker: () => adjust(-10, 0),
    harder: () => adjust(0, 10),
    softer: () => adjust(0, -10),
    invert: () => { shade = { ...shade, invert: !shade.invert }; paint(); },
    reset,
    close: () => closer().close(),
  };
  const closerKeys = {
    ArrowLeft: "previous", ArrowRight: "next", x: "wrong", "+": "larger", "=": "larger", "-": "smaller", b: "brighter",
    d: "darker", c: "harder", s: "softer", i: "invert", 0: "reset",
  };
  const shifts = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };

  function onCloser(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (shifts[key] && (event.shiftKey || view.zoom > 1)) pan(...shifts[key]);
    else if (closerKeys[key]) closerDoes[closerKeys[key]]();
    else return;
    event.preventDefault();
  }

  /* Listening ------------------------------------------------------------------------------- */

  const plain = act => (_, event) => { if (!event.ctrlKey && !event.altKey && !event.metaKey) act(event); };
  negviz.on("keydown", ".nv-study-closer", plain(onCloser));
  negviz.on("keydown", ".nv-study-trial", plain(onTrial));

  negviz.on("click", ".nv-study button", button => {
    if (button.dataset.choice) choose(button.dataset.choice);
    else if (button.dataset.id) mark(button.dataset.id);
    else if (button.dataset.study) does[button.dataset.study]();
    else if (button.dataset.closer) closerDoes[button.dataset.closer]();
  });

  negviz.on("submit", "[data-study-form]", (form, event) => {
    event.preventDefault();
    if (form.dataset.studyForm === "resume") send("next", { code: form.elements.code.value });
    else send("begin", { agreed: form.elements.agreed.checked, background: form.elements.background.value });
  });

  negviz.mounted(".nv-study-closer", dialog => dialog.addEventListener("close", () => {
    if (film?.isConnected) focus(film);
    film = null;
  }));
  negviz.mounted(".nv-study", () => { if (code()) send("next", { code: code() }); });
  negviz.on("visibilitychange", "", cover);
  for (const name of AWAY) negviz.before(name, "", () => { if (clock && !clock.covered) clock.tick(); });
})();
