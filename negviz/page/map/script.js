/* The map: plotly's panes, fetched when the panel is first seen.  The sentences of this visit are kept in the
   variables below and nowhere else.

   A point's customdata is the row of a shipped sentence, the id of a film, or {typed: text}. */
"use strict";
(() => {
  const SEEN_FOR = 400; // milliseconds in view before anything is fetched
  const FILM_COLOURS = ["polarity", "finding"];
  const visit = new Map(); // text → what the server said of its places
  const marked = new Set(); // rows of shipped sentences, or ids of films
  let plotly = null; // a promise, once it is wanted
  let drawn = null; // what is on show: {key, films, texts, panes}
  let asking = null;
  let shownPane = "";

  const panel = () => document.querySelector(".nv-map");
  const say = () => JSON.parse(panel().dataset.words);
  const chosen = name => panel().querySelector(`.nv-map-${name} input:checked`)?.value ?? "";
  const plots = () => [...panel().querySelectorAll(".nv-map-plot.js-plotly-plot")];
  const escaped = text => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const narrow = () => matchMedia("(max-width: 640px)").matches;

  /* Fetching ---------------------------------------------------------------------------------- */

  function library() {
    plotly ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = panel().dataset.plotly;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => { plotly = null; reject(new Error("plotly")); };
      document.head.append(script);
    });
    return plotly;
  }

  async function draw() {
    const view = { name: chosen("map"), method: chosen("method"), colour: chosen("colour") };
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    tell(say().loading);
    panel().querySelector(".nv-map-panes").setAttribute("aria-busy", "true");
    try {
      const [, reply] = await Promise.all([library(), fetch(`page/map/drawn?${new URLSearchParams(view)}`, { signal })]);
      if (!reply.ok) throw new Error(reply.status);
      const made = await reply.json();
      if (signal.aborted) return;
      show(view, made);
    } catch (error) {
      if (error.name !== "AbortError") tell(say().failed);
    }
  }

  function tell(text) {
    panel().querySelector(".nv-map-how").textContent = text;
  }

  /* Showing ----------------------------------------------------------------------------------- */

  function show(view, made) {
    const films = view.name.startsWith("films/");
    const key = `${view.name}/${view.method}`;
    if (drawn && drawn.name !== view.name) marked.clear();
    drawn = { ...made, key, films, name: view.name };
    fill(".nv-map-legend", made.legend);
    fill(".nv-map-notes", made.notes);
    fill(".nv-map-table", made.table);
    panel().querySelector(".nv-map-list").hidden = films;
    for (const pane of panel().querySelectorAll(".nv-map-pane")) {
      pane.querySelector(".nv-map-apart").innerHTML = made.apart?.[pane.dataset.mapModel] ?? "";
    }
    tell(films ? say().how_films : narrow() ? say().how_narrow : say().how);
    for (const input of panel().querySelectorAll(".nv-map-colour input")) {
      input.parentElement.hidden = films && !FILM_COLOURS.includes(input.value);
    }
    panel().querySelector(".nv-map-panes").setAttribute("aria-busy", "false");
    switchPane();
    paintAll();
    paintMarks();
  }

  function fill(selector, html) {
    panel().querySelector(selector).innerHTML = html ?? ""; // escaped by the server
  }

  /* The models of the last answer: a visitor may have added some. */
  function models() {
    const last = [...visit.values()].at(-1);
    const there = [...panel().querySelectorAll(".nv-map-pane")].map(pane => pane.dataset.mapModel);
    return last ? there.filter(model => last.models.includes(model)) : there.slice(0, 3);
  }

  function paintAll() {
    if (!panel()) return; // the page is not there yet
    const here = models();
    const ready = drawn && window.Plotly;
    for (const pane of panel().querySelectorAll(".nv-map-pane")) {
      const model = pane.dataset.mapModel;
      const seen = here.includes(model) && (!ready || drawn.panes[model]) && (!narrow() || model === shownPane);
      pane.hidden = !seen;
      if (ready && seen) paint(pane, drawn.panes[model]);
    }
    for (const moved of panel().querySelectorAll("[data-map-mover]")) moved.hidden = !here.includes(moved.dataset.mapMover);
    for (const input of panel().querySelectorAll("fieldset.nv-map-switch input")) {
      input.parentElement.hidden = !here.includes(input.value);
    }
  }

  function paint(pane, figure) {
    const model = pane.dataset.mapModel;
    const plot = pane.querySelector(".nv-map-plot");
    const fresh = !plot.classList.contains("js-plotly-plot");
    const style = getComputedStyle(panel());
    const [ink, ground, border] = ["--nv-ink", "--nv-panel", "--nv-border"].map(name => style.getPropertyValue(name).trim());
    const data = figure.data.map(trace => ({
      ...trace,
      marker: { ...trace.marker, line: { color: ink, width: 0.8 } },
      selectedpoints: picks(trace),
      selected: { marker: { size: 13, opacity: 1 } },
      unselected: { marker: { opacity: 0.25 } },
    }));
    data.push(...ours(model, figure.data, ink, ground));
    const layout = {
      ...figure.layout,
      annotations: moved(model, ink),
      dragmode: narrow() ? false : "lasso",
      paper_bgcolor: ground,
      plot_bgcolor: ground,
      uirevision: drawn.key,
      selectionrevision: drawn.key,
      hoverlabel: { bgcolor: ground, bordercolor: border, align: "left", font: { color: ink, size: 14, family: style.fontFamily } },
      newselection: { line: { color: ink, width: 1 } },
      modebar: { bgcolor: "transparent", color: border, activecolor: ink, orientation: "v" },
    };
    const config = { displaylogo: false, responsive: true, displayModeBar: !narrow(), modeBarButtons: [["lasso2d", "zoom2d", "pan2d", "resetScale2d"]] };
    window.Plotly.react(plot, data, layout, config);
    if (fresh) listen(plot);
  }

  function picks(trace) {
    if (drawn.films && !marked.size) {
      const at = trace.customdata.indexOf(negviz.selected);
      return negviz.selected && drawn.panes && at >= 0 ? [at] : negviz.selected && known(negviz.selected) ? [] : null;
    }
    return marked.size ? trace.customdata.flatMap((row, at) => (marked.has(row) ? [at] : [])) : null;
  }

  function known(id) {
    return Object.values(drawn.panes).some(figure => figure.data.some(trace => trace.customdata.includes(id)));
  }

  /* What this visit typed, the last sentence largest; over films also the rings of its first ten. */
  function ours(model, traces, ink, ground) {
    const typed = [...visit.values()].filter(place => place.maps[drawn.key]?.[model]);
    const shown = drawn.films ? typed.slice(-1) : typed;
    const words = say();
    const stars = {
      name: words.typed, mode: "markers", type: "scatter",
      x: shown.map(place => place.maps[drawn.key][model][0]),
      y: shown.map(place => place.maps[drawn.key][model][1]),
      customdata: shown.map(place => ({ typed: place.text })),
      text: shown.map(place => `${wrap(place.text)}<br>${drawn.films ? words.centre : place.exact.includes(drawn.name) ? "" : words.placed}`),
      hovertemplate: "%{text}<extra></extra>",
      unselected: { marker: { opacity: 1 } },
      marker: { symbol: "star", color: ink, opacity: 1, size: shown.map((_, at) => (at === shown.length - 1 ? 20 : 12)), line: { color: ground, width: 1.5 } },
    };
    return drawn.films ? [rings(model, traces, shown.at(-1), ink), stars] : [stars];
  }

  /* The way of the last sentence from its place in the first model to that in this one; panes share their axes. */
  function moved(model, ink) {
    const [first] = models();
    const places = [...visit.values()].at(-1)?.maps[drawn.key];
    const [from, to] = [places?.[first], places?.[model]];
    if (drawn.films || model === first || !from || !to) return [];
    return [{
      x: to[0], y: to[1], ax: from[0], ay: from[1], xref: "x", yref: "y", axref: "x", ayref: "y", text: "",
      showarrow: true, arrowside: "end+start", arrowhead: 2, startarrowhead: 6, arrowwidth: 2, arrowcolor: ink, standoff: 10,
    }];
  }

  function rings(model, traces, place, ink) {
    const ids = place?.hits[drawn.name]?.[model] ?? [];
    const at = new Map(traces.flatMap(trace => trace.customdata.map((id, n) => [id, [trace.x[n], trace.y[n]]])));
    const there = ids.filter(id => at.has(id)).map(id => at.get(id));
    return {
      name: say().top_films, mode: "markers", type: "scatter", hoverinfo: "skip",
      x: there.map(([x]) => x), y: there.map(([, y]) => y),
      marker: { symbol: "circle-open", color: ink, size: 18, line: { width: 2 } },
    };
  }

  function wrap(text) {
    return escaped(text.slice(0, 200)).replace(/(.{1,44})(\s+|$)/g, "$1<br>").replace(/<br>$/, "");
  }

  /* Pointing, marking, searching --------------------------------------------------------------- */

  function listen(plot) {
    plot.on("plotly_click", event => pick(event.points[0]?.customdata));
    plot.on("plotly_selected", event => { if (event?.points?.length) setTimeout(mark, 0, event.points.map(point => point.customdata)); });
    plot.on("plotly_deselect", () => mark([]));
    plot.on("plotly_hover", event => point(plot, event));
    plot.on("plotly_unhover", () => { film(null); point(plot, null); });
  }

  function pick(what) {
    if (what === undefined) return;
    if (drawn.films) { if (typeof what === "string") negviz.select(what); return; }
    negviz.search(what.typed ?? drawn.texts[what]);
  }

  function mark(rows) {
    marked.clear();
    for (const row of rows) if (typeof row === (drawn.films ? "string" : "number")) marked.add(row);
    paintMarks();
  }

  function paintMarks() {
    for (const plot of plots()) {
      if (plot.closest(".nv-map-pane").hidden) continue;
      // While an outline is there plotly marks what lies in it, whatever it is told.
      if (plot.layout.selections?.length) window.Plotly.relayout(plot, { selections: [] });
      window.Plotly.restyle(plot, { selectedpoints: plot.data.map(trace => ([say().typed, say().top_films].includes(trace.name) ? null : picks(trace))) });
    }
    for (const box of panel().querySelectorAll("[data-map-mark]")) box.checked = marked.has(Number(box.dataset.mapMark));
    const words = drawn.films ? say().marked_films : say().marked;
    const { shown, among } = filter();
    panel().querySelector(".nv-map-marked span").textContent = marked.size ? negviz.fill(words, { n: marked.size, shown, among }) : "";
    panel().querySelector("[data-map-forget]").hidden = !marked.size;
  }

  /* Of the films of the columns, those that are not among the marked ones are dimmed and keep their place. */
  function filter() {
    const chosen = drawn?.films && marked.size;
    const tiles = [...document.querySelectorAll(".nv-columns [data-film]")];
    for (const tile of tiles) {
      const outside = Boolean(chosen) && !marked.has(tile.dataset.film);
      if (outside !== tile.classList.contains("nv-outside")) tile.classList.toggle("nv-outside", outside);
    }
    return { shown: tiles.length, among: tiles.filter(tile => marked.has(tile.dataset.film)).length };
  }

  /* The same sentence is pointed out in every pane; a film is shown beside the pointer. */
  let pointing = false;
  function point(plot, event) {
    if (pointing) return;
    pointing = true;
    const what = event?.points[0]?.customdata;
    for (const other of plots()) {
      if (other === plot || other.closest(".nv-map-pane").hidden) continue;
      const at = what === undefined ? [] : other.data.flatMap((trace, curveNumber) => {
        const pointNumber = (trace.customdata ?? []).findIndex(one => one === what || (what?.typed && one.typed === what.typed));
        return pointNumber < 0 ? [] : [{ curveNumber, pointNumber }];
      });
      if (at.length) window.Plotly.Fx.hover(other, at); else window.Plotly.Fx.unhover(other);
    }
    pointing = false;
    if (event && drawn.films) film(typeof what === "string" ? what : null, event.event);
  }

  function film(id, pointer) {
    let box = document.querySelector(".nv-map-film");
    if (!id || !pointer) return box?.remove();
    if (!box) {
      box = document.createElement("img");
      box.className = "nv-map-film";
      box.alt = "";
      document.body.append(box);
    }
    box.src = `film/tile?id=${encodeURIComponent(id)}`;
    box.style.left = `${Math.min(pointer.clientX + 16, innerWidth - 176)}px`;
    box.style.top = `${Math.max(8, Math.min(pointer.clientY - 176, innerHeight - 168))}px`;
  }

  negviz.on("change", ".nv-map input", input => {
    if (input.name === "nv-map-switch") { shownPane = input.value; paintAll(); return; }
    if (input.type === "radio") { if (plotly) draw(); return; }
    if (input.dataset.mapMark === undefined) return;
    const row = Number(input.dataset.mapMark);
    if (input.checked) marked.add(row); else marked.delete(row);
    paintMarks();
  });

  negviz.on("click", "[data-map-search], [data-map-forget]", button => {
    if (!panel()) return;
    if (button.dataset.mapSearch !== undefined) return negviz.search(button.dataset.mapSearch);
    marked.clear();
    paintMarks();
  });

  negviz.on("negviz:select", "", () => { if (drawn?.films) paintAll(); });

  /* When it is seen, when an answer comes, when the page changes ------------------------------ */

  function switchPane() {
    const here = models();
    if (!here.includes(shownPane)) shownPane = here[0] ?? "";
    for (const input of panel().querySelectorAll("fieldset.nv-map-switch input")) input.checked = input.value === shownPane;
  }

  negviz.mounted(".nv-map", element => {
    let timer = 0; // while the page is being built everything passes through the window for a moment
    const watcher = new IntersectionObserver(entries => {
      clearTimeout(timer);
      if (entries.at(-1).isIntersecting) timer = setTimeout(() => { watcher.disconnect(); draw(); }, SEEN_FOR);
    });
    watcher.observe(element);
  });

  let last = "";
  function arrive() {
    const said = document.querySelector(".nv-map-placed")?.dataset.placed;
    if (said === undefined || said === last) return;
    last = said;
    if (said) {
      const place = JSON.parse(said);
      visit.delete(place.text);
      visit.set(place.text, place);
    } else visit.clear(); // the visitor has cleared this visit
    if (panel()) { switchPane(); paintAll(); if (marked.size) paintMarks(); }
  }

  negviz.changed(changes => {
    arrive();
    if (marked.size || document.querySelector(".nv-outside")) filter();
    if (changes.some(change => change.attributeName === "class")) paintAll(); // the theme
  });
  arrive();
  matchMedia("(max-width: 640px)").addEventListener("change", paintAll);
})();
