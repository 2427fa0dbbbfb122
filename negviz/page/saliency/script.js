/* Where on the film: the maps of the film that is picked, else of the first on show, fetched while the panel is
   unfolded.  `negviz.where` gives the viewer the same answers. */
"use strict";
(() => {
  const kept = new Map(); // the last answers of this page, by question and film
  const MOST = 32;
  let shown = "";
  let asking = null;

  /* For a film's id, or for where the dial stands: {html, texts, models: {name: {why, lines}}, region}.  What cannot be had throws a sentence. */
  negviz.where = async (asked, film, signal) => {
    const key = JSON.stringify([asked, film]);
    const which = typeof film === "string" ? { id: film } : { dial: film };
    if (!kept.has(key)) {
      const reply = await fetch("page/saliency", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ asked, ...which }), signal,
      });
      if (!reply.ok) throw new Error(reply.headers.get("content-type")?.startsWith("text/plain") ? await reply.text() : "");
      kept.set(key, await reply.json());
      if (kept.size > MOST) kept.delete(kept.keys().next().value);
    }
    return kept.get(key);
  };

  /* Lines or cells of a map, as they come from there, into an SVG whose sides are 1. */
  negviz.drawWhere = (svg, lines) => {
    const make = (tag, attributes) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
      return made;
    };
    const parts = [];
    lines?.cells?.forEach((row, y) => row.forEach((share, x) => parts.push(make("rect", {
      x: x / row.length, y: y / lines.cells.length, width: 1 / row.length, height: 1 / lines.cells.length, opacity: share / 2,
    }))));
    for (const way of lines && !lines.cells ? ["away", "towards"] : []) {
      for (const level of [...lines[way].keys()].reverse()) {
        const d = lines[way][level].map(([x1, y1, x2, y2]) => `M${x1} ${y1}L${x2} ${y2}`).join("");
        parts.push(make("path", { d, class: "nv-where-under" }));
        parts.push(make("path", { d, class: `nv-where-${way} nv-where-${level ? "thin" : "thick"}` }));
      }
    }
    svg.replaceChildren(...parts);
  };

  const panel = () => document.querySelector(".nv-where");
  const tiles = () => [...document.querySelectorAll(".nv-tile[data-film]")];

  async function look() {
    const root = panel(), asked = document.querySelector(".nv-columns[data-asked]")?.dataset.asked;
    if (!root || document.body.dataset.unfolded !== "saliency" || !asked) return;
    const id = negviz.selected || tiles()[0]?.dataset.film;
    const key = JSON.stringify([asked, id]);
    if (!id || key === shown) return;
    shown = key;
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    const place = root.querySelector(".nv-where-maps"), words = JSON.parse(root.dataset.words);
    const truth = place.querySelector("input[name=region]")?.checked;
    place.setAttribute("aria-busy", "true");
    if (!place.firstChild) place.textContent = words.asking;
    try {
      const found = await negviz.where(asked, id, signal);
      if (signal.aborted) return;
      place.innerHTML = found.html;
      const box = place.querySelector("input[name=region]");
      if (box) box.checked = Boolean(truth);
    } catch (error) {
      if (error.name === "AbortError") return;
      shown = "";
      place.textContent = error.message || words.failed;
    }
    place.setAttribute("aria-busy", "false");
  }

  /* The panel as a picture: what is seen, the sentences, and what it is not. */
  const [SIDE, GAP, LINE] = [320, 16, 24]; // pixels
  const FACE = "system-ui, sans-serif";

  function write(pen, text, x, y, font = `16px ${FACE}`, colour = "#14181B", most = undefined) {
    Object.assign(pen, { font, fillStyle: colour });
    pen.fillText(text, x, y, most);
  }

  function picture(root, found, notes) {
    const drawn = [...root.querySelectorAll(".nv-where-model:has(figure)")];
    const films = [...root.querySelectorAll(".nv-where-film img")];
    const high = Math.max(...films.map(film => SIDE * film.naturalHeight / film.naturalWidth));
    const across = found.texts.length;
    const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
    const width = GAP + drawn.length * across * (SIDE + GAP);
    const height = 2 * GAP + 2 * LINE + high + LINE * notes.length;
    [canvas.width, canvas.height] = [2 * width, 2 * height]; // fit for a slide
    pen.scale(2, 2);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    drawn.forEach((model, column) => [...model.querySelectorAll("img")].forEach((film, n) => {
      const left = GAP + (column * across + n) * (SIDE + GAP), top = GAP + LINE;
      const box = { left, top, wide: SIDE, high: SIDE * film.naturalHeight / film.naturalWidth, dense: 1 };
      if (!n) write(pen, model.querySelector("h3").textContent, left, GAP + 12, `600 18px ${FACE}`);
      pen.drawImage(film, left, top, box.wide, box.high);
      negviz.FilmPane.outline(pen, found.models[model.dataset.model].lines[n], box);
      write(pen, `“${found.texts[n]}”`, left, top + high + 18, `15px ${FACE}`, "#14181B", SIDE);
    }));
    notes.forEach((note, row) => write(pen, note, GAP, height - GAP - LINE * (notes.length - 1 - row), `14px ${FACE}`, "#525C63"));
    return canvas;
  }

  negviz.on("click", ".nv-where-save", async button => {
    const root = panel(), [asked, film] = JSON.parse(shown);
    const notes = [...JSON.parse(root.dataset.words).notes, button.dataset.credit].filter(Boolean);
    const found = await negviz.where(asked, film);
    if (Object.values(found.models).some(each => each.lines[0]?.cells)) notes.shift(); // no for, no against
    const canvas = picture(root, found, notes);
    negviz.save(await new Promise(done => canvas.toBlob(done, "image/png")), "negviz-where.png");
  });

  negviz.on("negviz:select", "", look);
  negviz.on("negviz:unfold", "", look);
  negviz.on("negviz:forget", "", () => {
    asking?.abort();
    kept.clear();
    shown = "";
    const place = panel()?.querySelector(".nv-where-maps");
    place?.replaceChildren();
    place?.setAttribute("aria-busy", "false");
  });
  negviz.changed(look);
})();
