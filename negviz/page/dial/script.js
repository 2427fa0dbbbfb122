/* The dial: the film of the severity under the slider at once, where it has been fetched already, else the
   nearest that has, said with it; then its neighbours, outward, one at a time.  No prompt is sent from here. */
"use strict";
(() => {
  const RANGE = ".nv-dial-severity input";
  const STEPS = 20;
  const AHEAD = { "X-Negviz-Ahead": "1" };
  let shelf = { key: "", films: new Map(), stop: new AbortController() };
  let wanted = 12; // the step the slider stands at
  let used = false;

  const box = () => document.querySelector("[data-dial]");
  const said = (step) => (step / STEPS).toFixed(2);
  const address = (film, step) =>
    `page/dial-film?${new URLSearchParams({ finding: film.dataset.finding, side: film.dataset.side, severity: said(step), seed: film.dataset.seed })}`;

  function open(film) {
    const key = [film.dataset.finding, film.dataset.side, film.dataset.seed].join("/");
    if (shelf.key === key) return;
    shelf.stop.abort();
    for (const url of shelf.films.values()) URL.revokeObjectURL(url);
    shelf = { key, films: new Map(), stop: new AbortController() };
  }

  async function fetchFilm(film, step, ahead) {
    const mine = shelf;
    const answer = await fetch(address(film, step), { signal: mine.stop.signal, headers: ahead ? AHEAD : {} });
    if (answer.status !== 200) return answer.status;
    const url = URL.createObjectURL(await answer.blob());
    if (mine !== shelf || mine.films.has(step)) URL.revokeObjectURL(url);
    else mine.films.set(step, url);
    return 200;
  }

  function nearest() {
    const steps = [...shelf.films.keys()].sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted));
    return steps[0];
  }

  function paint() {
    const film = box(), step = nearest();
    if (!film) return;
    const image = film.querySelector("img"), making = film.querySelector(".nv-dial-making");
    if (step !== undefined && image.src !== shelf.films.get(step)) {
      image.src = shelf.films.get(step);
      image.alt = `${image.dataset.label} ${said(step)}`;
      film.querySelector(".nv-dial-caption b").textContent = said(step);
      where();
    }
    making.hidden = shelf.films.has(wanted);
  }

  /* The map of the film that is seen, for the model that was chosen: kept here, since gradio replaces the film. */
  let model = "", asking = new AbortController();

  async function where() {
    const film = box();
    if (!film) return;
    const says = film.querySelector(".nv-dial-where-says"), svg = film.querySelector("svg");
    film.querySelector("select").value = model;
    asking.abort();
    asking = new AbortController();
    const { signal } = asking, { finding, side, seed } = film.dataset;
    const asked = document.querySelector(".nv-columns[data-asked]")?.dataset.asked;
    if (!model || !asked) {
      svg.replaceChildren();
      says.textContent = "";
      return;
    }
    try {
      const found = await negviz.where(asked, { finding, side, severity: said(nearest() ?? wanted), seed }, signal);
      if (signal.aborted) return;
      const each = found.models[model] ?? { why: says.dataset.failed, lines: [] };
      negviz.drawWhere(svg, each.lines[0]);
      const name = film.querySelector(`option[value="${model}"]`)?.textContent ?? model;
      says.textContent = each.why || negviz.fill(says.dataset.says, { model: name, sentence: found.texts[0] });
    } catch (error) {
      if (error.name !== "AbortError") says.textContent = error.message || says.dataset.failed;
    }
  }

  negviz.on("change", ".nv-dial-where select", (select) => {
    model = select.value;
    where();
  });

  async function look() {
    const film = box(), step = wanted, mine = shelf;
    if (!film) return;
    paint();
    if (!shelf.films.has(step)) {
      try {
        const status = await fetchFilm(film, step, false);
        if (status === 503) setTimeout(() => { if (mine === shelf && step === wanted) look(); }, 1000);
        else if (status !== 200 && mine === shelf) film.querySelector(".nv-dial-making").textContent = film.dataset.cannot;
      } catch { return; } // another chest was asked for, or the connection broke: the next move asks again
      if (mine !== shelf) return;
      paint();
    }
    if (step === wanted) ahead(film, mine);
  }

  async function ahead(film, mine) {
    if (mine.walking) return;
    mine.walking = true;
    try {
      for (let failures = 0; failures < 60 && mine === shelf;) {
        const missing = [...Array(STEPS + 1).keys()].filter((step) => !mine.films.has(step));
        missing.sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted));
        if (!missing.length) break;
        if ((await fetchFilm(film, missing[0], true)) === 200) { paint(); continue; }
        failures += 1;
        await new Promise((done) => setTimeout(done, 500));
      }
    } catch { /* given up: what is missing is asked for when it is wanted */ }
    mine.walking = false;
  }

  function read(severity) {
    for (const plot of document.querySelectorAll(".nv-dial-plot")) {
      const data = JSON.parse(plot.dataset.points);
      for (const number of plot.querySelectorAll("[data-of]")) {
        number.textContent = at(data.severities, data[number.dataset.of], severity).toFixed(2).replace("-", "−");
      }
    }
  }

  function at(xs, ys, x) {
    const next = Math.max(1, xs.findIndex((value) => value >= x));
    const share = (x - xs[next - 1]) / (xs[next] - xs[next - 1]);
    return ys[next - 1] + share * (ys[next] - ys[next - 1]);
  }

  negviz.on("input", RANGE, (range) => {
    const value = Number(range.value);
    if (!(value >= 0 && value <= 1)) return;
    wanted = Math.round(value * STEPS);
    document.documentElement.style.setProperty("--nv-severity", wanted / STEPS);
    read(wanted / STEPS);
    const film = box();
    if (!film) return;
    used = true;
    open(film);
    look();
  });

  // The server's curves come with its own reading of them, of where the dial stood when they were asked for.
  negviz.changed((changes) => {
    const ours = (node) => node.nodeType === 1 ? node : node.parentElement;
    if (used && changes.some(({ type, target }) => type !== "attributes" && ours(target)?.closest(".nv-dial-curves") && !ours(target).closest(".nv-dial-now"))) {
      read(wanted / STEPS);
    }
  });

  window.negviz.mounted("[data-dial]", (film) => {
    where();
    if (!used) return; // the film that came with the page is enough until the dial is touched
    open(film);
    look();
  });
})();
