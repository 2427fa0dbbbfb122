/* The film viewer: one film large on black, or two side by side that zoom, move and window together.

   It opens from a film's link in a column (plain click or Enter; with a modifier the browser does as usual),
   by Enter on a selected tile or a double click, and walks through that ranking.  Keys act while the dialog has the focus. */
"use strict";
(() => {
  const TILE = "[data-film]";
  const VIEW = 'a[href^="film/large?"]';
  const MOST = 16; // times the fit
  const JUST_OPENED = 500; // ms in which a double click is still the one that opened the viewer
  const MARKS = { matches: true, contradicts: false, "not-stated": null };

  /* A film as the page shows it when the viewer opens; `relevant` is undefined where nothing is marked. */
  const entry = tile => ({
    id: tile.dataset.film,
    rank: Number(tile.dataset.rank) || 0,
    href: tile.querySelector(VIEW)?.getAttribute("href") ?? `film/large?id=${encodeURIComponent(tile.dataset.film)}`,
    relevant: MARKS[tile.dataset.mark],
  });

  const within = (box, { clientX: x, clientY: y }) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;

  const filmsIn = list => [...list.querySelectorAll(`.nv-tile${TILE}`)].map(entry);
  const listsOf = column => [...column.querySelectorAll(".nv-tiles")];

  /* The question that a list of films answers: the page's own, or the one it is compared with. */
  function question(list) {
    const asked = JSON.parse(list?.closest("[data-asked]")?.dataset.asked ?? "null") ?? { text: "", films: "" };
    const sentence = list?.previousElementSibling?.querySelector("q")?.textContent ?? asked.text;
    return JSON.stringify(sentence === asked.text ? asked : { ...asked, text: sentence, meant: null, opposite: "" });
  }

  class Viewer {
    constructor(dialog) {
      this.dialog = dialog;
      this.words = JSON.parse(dialog.dataset.words);
      this.stage = dialog.querySelector(".nv-viewer-stage");
      this.opener = null; // the tile it was opened from, while it is open
      this.panes = [...dialog.querySelectorAll(".nv-viewer-pane")].map(figure => new negviz.FilmPane(figure));
      this.compare = dialog.querySelector("select[name=compare]");
      this.sliders = [...dialog.querySelectorAll("input[type=range]")];
      this.help = dialog.querySelector(".nv-viewer-keys");
      this.reset();
      this.listen();
    }

    /* Opening, closing, walking ------------------------------------------------------------- */

    open(tile) {
      const list = tile.closest(".nv-tiles");
      const column = tile.closest(".nv-column[data-model]");
      const number = column ? listsOf(column).indexOf(list) : 0;
      this.opener = tile;
      this.model = column?.dataset.model ?? "";
      this.asked = question(list);
      this.rankings = new Map([...document.querySelectorAll(".nv-column[data-model]")].map(
        one => [one.dataset.model, filmsIn(listsOf(one)[Math.max(0, number)] ?? one)],
      ));
      const ranking = list ? filmsIn(list) : [];
      const at = ranking.findIndex(film => film.id === tile.dataset.film);
      this.films = at < 0 ? [entry(tile)] : ranking;
      this.choice = "";
      this.turn = "";
      this.record = null;
      this.opened = performance.now();
      this.dialog.showModal();
      this.reset();
      this.stage.focus();
      this.walk(Math.max(0, at));
    }

    close() {
      this.dialog.close();
      this.closed();
    }

    /* Focus goes back to the film that was looked at last: at once, since the browser has just given it to the film
       that opened the viewer, and "close" comes only later. */
    closed() {
      if (!this.opener) return;
      this.abort?.abort();
      this.toggleHelp(false);
      for (const pane of this.panes) this.put(pane, null);
      const column = [...document.querySelectorAll(".nv-column[data-model]")].find(one => one.dataset.model === this.model);
      const place = this.opener.isConnected ? this.opener.closest(".nv-tiles") ?? column : column;
      const tile = [...(place ?? document).querySelectorAll(TILE)].find(one => one.dataset.film === this.film.id);
      tile?.querySelector("button, a")?.focus();
      this.opener = null;
    }

    get film() { return this.films[this.at]; }

    walk(to) {
      this.at = Math.min(this.films.length - 1, Math.max(0, to));
      this.abort?.abort();
      this.abort = new AbortController();
      this.record = null;
      this.say();
      this.fit();
      negviz.select(this.film.id);
      this.load(this.panes[0], this.film.href, this.abort.signal);
      this.lookUp(this.film, this.abort.signal);
      this.offer();
      this.showWhere();
      const next = this.films[this.at + 1];
      if (next) new Image().src = next.href;
    }

    say() {
      const { words, film } = this;
      const fill = negviz.fill;
      const rank = film.rank || this.at + 1;
      const place = { model: words.models[this.model] ?? this.model, rank, count: this.films.length };
      this.dialog.querySelector("h2").textContent = fill(words.film, film);
      this.dialog.querySelector(".nv-viewer-place").textContent =
        this.model ? fill(this.films.length > 1 ? words.place : words.alone, place) : "";
      this.panes[0].canvas.setAttribute("aria-label", fill(words.canvas, film));
      this.panes[0].figure.querySelector("figcaption").textContent = film.id;
      // Not `disabled`: that would take the focus from the button, and the keys with it.
      this.button("previous").setAttribute("aria-disabled", String(this.at === 0));
      this.button("next").setAttribute("aria-disabled", String(this.at === this.films.length - 1));
    }

    /* Film and facts ------------------------------------------------------------------------- */

    async load(pane, href, signal) {
      const wait = pane.figure.querySelector(".nv-viewer-wait");
      this.put(pane, null);
      wait.textContent = this.words.loading;
      let film = null;
      let trouble = this.words.failed;
      try {
        const reply = await fetch(href, { signal });
        if (reply.ok) film = await createImageBitmap(await reply.blob());
        else trouble = await reply.text();
      } catch (error) {
        if (error.name === "AbortError") return;
      }
      if (signal.aborted) return;
      wait.textContent = film ? "" : trouble;
      this.put(pane, film);
    }

    put(pane, film) {
      pane.show(film);
      const copy = pane.figure.querySelector(".nv-viewer-copy");
      copy.hidden = !film || Math.max(film.width, film.height) >= 300;
      copy.textContent = film ? negviz.fill(this.words.copy, { side: Math.max(film.width, film.height) }) : "";
      this.paint();
    }

    lookUp(film, signal) {
      const { dialog: root, words } = this;
      const panel = negviz.filmRecord;
      panel.wait(root, words);
      if (film.relevant !== undefined) panel.mark(root, words, film.relevant);
      const answered = async (address, done) => {
        try {
          const found = await panel.ask(address, this.asked, film.id, signal);
          if (!signal.aborted) done(found);
        } catch (error) {
          if (!signal.aborted) done(null, error.name === "Refused" ? error.message : "");
        }
      };
      answered("page/ranks", (found, why) => panel.ranks(root, words, found, this.model, why));
      answered("page/film-record", found => {
        this.record = found;
        panel.record(root, words, found, this.model);
        this.offer();
      });
    }

    /* Two films side by side ----------------------------------------------------------------- */

    choices() {
      const fill = negviz.fill;
      const pair = this.record?.simulated?.pair;
      const made = [{ key: "", text: this.words.nothing }];
      if (pair) made.push({ key: "pair", id: pair, text: fill(this.words.pair, { id: pair }) });
      for (const [model, films] of this.rankings) {
        const film = films.find(one => one.rank === this.film.rank);
        if (model === this.model || !film) continue;
        const name = { rank: film.rank, model: this.words.models[model] ?? model, id: film.id };
        made.push({ key: `model ${model}`, id: film.id, href: film.href, text: fill(this.words.same_rank, name) });
      }
      return made;
    }

    /* Bring the list up to date; a pair that is still being looked up keeps its place. */
    offer() {
      const choices = this.choices();
      this.compare.replaceChildren(...choices.map(one => {
        const option = negviz.filmRecord.node("option", one.text);
        option.value = one.key;
        return option;
      }));
      const known = choices.some(one => one.key === this.choice);
      if (!known && this.record) this.choice = "";
      this.compare.value = known ? this.choice : "";
      this.beside(choices.find(one => one.key === this.choice));
    }

    beside(choice) {
      const [, pane] = this.panes;
      const shown = choice?.id ?? "";
      pane.figure.hidden = !shown;
      this.stage.classList.toggle("nv-viewer-two", Boolean(shown));
      if (pane.figure.dataset.film !== shown || !shown) {
        pane.figure.dataset.film = shown;
        this.aside?.abort();
        this.aside = new AbortController();
        if (shown) this.load(pane, choice.href ?? this.hrefOf(shown), this.aside.signal);
        else this.put(pane, null);
        pane.figure.querySelector("figcaption").textContent = choice?.text ?? "";
        pane.canvas.setAttribute("aria-label", negviz.fill(this.words.canvas_compared, { id: shown }));
      }
      this.paint();
      this.showWhere();
    }

    /* Another film of the same collection. */
    hrefOf(id) {
      const address = new URL(this.film.href, document.baseURI);
      address.searchParams.set("id", id);
      return address.href;
    }

    choose(key) {
      this.choice = key;
      this.offer();
    }

    chooseNext() {
      const keys = this.choices().map(one => one.key);
      this.choose(keys[(keys.indexOf(this.choice) + 1) % keys.length]);
    }

    /* Where: off, the sentence, its opposite ------------------------------------------------- */

    static turns = ["", "sentence", "opposite"];

    nextWhere() {
      const { turns } = Viewer;
      this.turn = turns[(turns.indexOf(this.turn) + 1) % turns.length];
      this.showWhere();
    }

    async showWhere() {
      const line = this.dialog.querySelector(".nv-viewer-where");
      const fill = negviz.fill;
      this.button("where").setAttribute("aria-pressed", String(this.turn !== ""));
      this.wheres?.abort();
      this.wheres = new AbortController();
      const { signal } = this.wheres;
      for (const pane of this.panes) pane.where = null;
      this.paint();
      line.hidden = !this.turn;
      if (!this.turn) return;
      line.textContent = this.words.where_asking;
      const [first, second] = this.panes;
      const shown = [[first, this.film.id], ...(second.figure.hidden ? [] : [[second, second.figure.dataset.film]])];
      try {
        const found = await Promise.all(shown.map(([, id]) => negviz.where(this.asked, id, signal)));
        if (signal.aborted) return;
        const model = this.model in found[0].models ? this.model : Object.keys(found[0].models)[0];
        const { why, lines } = found[0].models[model];
        if (this.turn === "opposite" && !why && lines.length < 2) return this.nextWhere();
        const at = Viewer.turns.indexOf(this.turn) - 1;
        const values = { model: this.words.models[model] ?? model, sentence: found[0].texts[at], caption: this.words.where_caption };
        line.textContent = why ? `${values.model}: ${why}` : fill(lines[at].cells ? this.words.where_unsigned : this.words.where, values);
        shown.forEach(([pane], place) => { pane.where = found[place].models[model].lines[at] ?? null; });
        this.paint();
      } catch (error) {
        if (error.name !== "AbortError") line.textContent = error.message || this.words.where_failed;
      }
    }

    /* View and look -------------------------------------------------------------------------- */

    reset() {
      this.look = { brightness: 0, contrast: 0, invert: false };
      this.fit();
    }

    fit() {
      this.view = { zoom: 1, x: 0, y: 0 };
      this.paint();
    }

    /* Zoom about a point of the first pane, given from its middle; what lies there stays there. */
    zoom(factor, x = 0, y = 0) {
      const zoom = Math.min(MOST, Math.max(1, this.view.zoom * factor));
      const grown = zoom / this.view.zoom;
      this.view = { zoom, x: x - (x - this.view.x) * grown, y: y - (y - this.view.y) * grown };
      this.paint();
    }

    pan(x, y) {
      this.view = { ...this.view, x: this.view.x + x, y: this.view.y + y };
      this.paint();
    }

    adjust(changes) {
      this.look = { ...this.look, ...changes };
      this.paint();
    }

    /* Dragged as at a workstation: sideways the width of the window, up and down its level. */
    drag(x, y) {
      const within = value => Math.round(Math.min(100, Math.max(-100, value)) * 10) / 10;
      this.adjust({ contrast: within(this.look.contrast + x / 4), brightness: within(this.look.brightness - y / 4) });
    }

    paint() {
      if (this.painting || !this.dialog.open) return;
      this.painting = requestAnimationFrame(() => {
        this.painting = 0;
        const reach = this.panes[0].reach(this.view);
        for (const axis of ["x", "y"]) {
          this.view[axis] = Math.min(reach[axis], Math.max(-reach[axis], this.view[axis]));
        }
        for (const pane of this.panes) if (!pane.figure.hidden) pane.paint(this.view, this.look);
        this.tell();
      });
    }

    tell() {
      const { level, width } = negviz.filmWindow(this.look);
      const values = { zoom: this.view.zoom.toFixed(1), window: Math.round(width), level: Math.round(level) };
      const inverted = this.look.invert ? this.words.inverted : "";
      this.dialog.querySelector(".nv-viewer-readout").textContent = negviz.fill(this.words.readout, values) + inverted;
      this.button("invert").setAttribute("aria-pressed", String(this.look.invert));
      for (const slider of this.sliders) slider.value = this.look[slider.name];
      this.stage.dataset.zoomed = this.view.zoom > 1;
    }

    /* Hands ---------------------------------------------------------------------------------- */

    button(name) { return this.dialog.querySelector(`button[data-do="${name}"]`); }

    get windowing() { return this.button("window").getAttribute("aria-pressed") === "true"; }

    toggleHelp(shown = this.help.hidden) {
      if (shown === !this.help.hidden) return;
      this.help.hidden = !shown;
      this.button("keys").setAttribute("aria-pressed", String(shown));
      if (this.dialog.open) (shown ? this.help : this.button("keys")).focus();
    }

    does = {
      previous: () => this.walk(this.at - 1),
      next: () => this.walk(this.at + 1),
      first: () => this.walk(0),
      last: () => this.walk(this.films.length - 1),
      close: () => this.close(),
      keys: () => this.toggleHelp(),
      "zoom-in": () => this.zoom(1.25),
      "zoom-out": () => this.zoom(0.8),
      fit: () => this.fit(),
      invert: () => this.adjust({ invert: !this.look.invert }),
      window: () => this.button("window").setAttribute("aria-pressed", String(!this.windowing)),
      reset: () => this.reset(),
      where: () => this.nextWhere(),
      compare: () => this.chooseNext(),
      pair: () => this.choose("pair"),
      like: () => { const { id } = this.film; this.close(); negviz.like(id); },
    };

    keys = {
      ArrowRight: "next", ArrowDown: "next", ArrowLeft: "previous", ArrowUp: "previous", Home: "first", End: "last",
      "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", "_": "zoom-out", f: "fit", 0: "fit", i: "invert", w: "window", m: "where",
      r: "reset", c: "compare", l: "like", "?": "keys",
    };

    key(event) {
      if (event.key === "Tab") return this.trap(event);
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const arrow = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
      const native = event.target.matches("select") || (event.target.matches("input") && key.length > 1);
      if (native || !Object.hasOwn(this.keys, key)) return;
      event.preventDefault();
      if (arrow && event.shiftKey) this.pan(arrow[0] * 60, arrow[1] * 60);
      else this.does[this.keys[key]]();
    }

    /* Keep the focus inside; a browser lets it out to its own bars. */
    trap(event) {
      const all = [...this.dialog.querySelectorAll("button, input, select, a[href], [tabindex='0']")];
      const stops = all.filter(one => !one.disabled && one.checkVisibility());
      const edge = event.shiftKey ? stops[0] : stops.at(-1);
      if (document.activeElement !== edge && stops.includes(document.activeElement)) return;
      if (document.activeElement === this.help) return;
      event.preventDefault();
      (event.shiftKey ? stops.at(-1) : stops[0]).focus();
    }

    listen() {
      const { dialog, stage } = this;
      dialog.addEventListener("keydown", event => this.key(event));
      dialog.addEventListener("close", () => this.closed());
      dialog.addEventListener("cancel", event => {
        event.preventDefault();
        if (this.help.hidden) this.close();
        else this.toggleHelp(false);
      });
      dialog.addEventListener("click", event => {
        const button = event.target.closest("button[data-do]");
        if (button) this.does[button.dataset.do]();
      });
      for (const slider of this.sliders) {
        slider.addEventListener("input", () => this.adjust({ [slider.name]: Number(slider.value) }));
      }
      this.compare.addEventListener("change", () => this.choose(this.compare.value));
      stage.addEventListener("dblclick", event => {
        if (performance.now() - this.opened < JUST_OPENED || !event.target.matches("canvas")) return;
        if (this.view.zoom > 1) this.fit();
        else this.zoom(2.5, ...this.from(event));
      });
      new negviz.Gestures(stage, {
        zoom: (factor, point) => this.zoom(factor, ...this.from(point)),
        pan: (x, y) => this.pan(x, y),
        window: (x, y) => this.drag(x, y),
        swipe: way => this.walk(this.at + way),
        windowing: () => this.windowing,
        swiping: () => this.view.zoom === 1 && !this.windowing,
      });
      new ResizeObserver(() => this.paint()).observe(stage);
    }

    /* A point of the screen, from the middle of the pane it is in. */
    from(point) {
      const pane = this.panes.find(one => !one.figure.hidden && within(one.box, point)) ?? this.panes[0];
      const box = pane.box;
      return [point.clientX - box.left - box.width / 2, point.clientY - box.top - box.height / 2];
    }
  }

  let viewer = null;
  negviz.mounted("dialog.nv-viewer", dialog => { viewer = new Viewer(dialog); });

  function opens(event, tile) {
    if (!viewer || !tile) return;
    event.preventDefault();
    viewer.open(tile);
  }

  negviz.on("click", VIEW, (link, event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    opens(event, link.closest(TILE));
  });
  negviz.on("dblclick", TILE, (tile, event) => {
    if (!tile.closest("dialog")) opens(event, tile);
  });
  // On a tile the first Enter selects, as a click does, and the second one opens.
  negviz.on("keydown", '.nv-pick[aria-pressed="true"]', (picked, event) => {
    if (event.key === "Enter") opens(event, picked.closest(TILE));
  });
})();
