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

  /* The film whose maps are on show; "" where none are. */
  negviz.mapped = () => {
    const seen = panel()?.checkVisibility() && panel().querySelector(".nv-where-maps[aria-busy=false] figure");
    return seen && shown ? JSON.parse(shown)[1] : "";
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
