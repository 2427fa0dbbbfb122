/* What is known of a film, put beside it.  Everything that comes from a server is set as text. */
"use strict";
negviz.filmRecord = (() => {
  const { fill } = negviz;
  const number = value => value.toFixed(2).replace("-", "−");

  function node(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  async function ask(address, asked, id, signal) {
    const reply = await fetch(address, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ asked, id }), signal,
    });
    if (!reply.ok) {
      const why = reply.headers.get("content-type")?.startsWith("text/plain") && reply.status < 500 ? await reply.text() : "";
      throw Object.assign(new Error(why), { name: "Refused" });
    }
    return reply.json();
  }

  const place = (root, name) => root.querySelector(`[data-fill="${name}"]`);

  function wait(root, words) {
    place(root, "mark").textContent = "";
    place(root, "probability").hidden = true;
    place(root, "ranks").replaceChildren(spanning(words.asking));
    place(root, "said").replaceChildren(node("p", words.asking, { class: "nv-note" }));
    for (const group of root.querySelectorAll("[data-state]")) group.hidden = true;
    root.querySelector('[data-part="simulated"]').hidden = true;
    root.querySelector(".nv-viewer-link").hidden = true;
  }

  function spanning(text) {
    const row = document.createElement("tr");
    row.append(node("td", text, { colspan: "3" }));
    return row;
  }

  /* {model: {rank, score, relevant}}, or null where it could not be had, and why */
  function ranks(root, words, found, opened, why) {
    const rows = Object.entries(found ?? {}).map(([model, at]) => {
      const row = document.createElement("tr");
      if (model === opened) row.setAttribute("aria-current", "true");
      row.append(
        node("th", words.models[model] ?? model, { scope: "row" }),
        node("td", at.rank === null ? words.beyond : fill(words.rank, at)),
        node("td", number(at.score)),
      );
      return row;
    });
    place(root, "ranks").replaceChildren(...(rows.length ? rows : [spanning(why || words.no_ranks)]));
  }

  function mark(root, words, relevant) {
    const [shape, word, name] = relevant === true ? ["✓", words.matches, "matches"]
      : relevant === false ? ["✗", words.contradicts, "contradicts"] : ["?", words.not_stated, "not-stated"];
    const line = place(root, "mark");
    line.className = `nv-viewer-mark nv-${name}`;
    line.replaceChildren(node("i", shape, { "aria-hidden": "true" }), ` ${word}`);
  }

  function record(root, words, known, opened) {
    if (!known) {
      place(root, "said").replaceChildren(node("p", words.no_record, { class: "nv-note" }));
      return;
    }
    place(root, "said").replaceChildren(...(known.unsaid ? [node("p", known.unsaid, { class: "nv-note" })] : known.said.map(quote)));
    chips(root, words, known);
    simulated(root, words, known.simulated);
    probability(root, words, known, opened);
    const link = root.querySelector(".nv-viewer-link");
    link.hidden = !known.link?.startsWith("https://");
    if (!link.hidden) link.firstElementChild.href = known.link;
  }

  /* By model, the one whose film was opened in bold. */
  function probability(root, words, known, opened) {
    const box = place(root, "probability");
    const chances = Object.entries(known.satisfies_probability);
    box.hidden = chances.length === 0;
    const each = chances.map(([model, chance]) => {
      const item = node(model === opened ? "strong" : "span", `${words.models[model] ?? model} ${number(chance)}`);
      item.dataset.model = model;
      return item;
    });
    const line = node("p", words.probability);
    for (const item of each) line.append(" ", item);
    box.replaceChildren(line, node("p", known.holds_for, { class: "nv-note" }));
  }

  function quote(said) {
    const box = node("div", "", { class: "nv-viewer-said" });
    if (said.pieces.length) {
      const sentence = node("blockquote", "", { dir: "auto" });
      for (const piece of said.pieces) {
        sentence.append(piece.role ? node(piece.role === "cue" ? "u" : "strong", piece.text) : piece.text);
      }
      box.append(sentence);
    }
    box.append(node("p", said.note, { class: "nv-note" }));
    return box;
  }

  function chips(root, words, known) {
    for (const group of root.querySelectorAll("[data-state]")) {
      const here = known.findings.filter(one => (one.state ?? "") === group.dataset.state);
      group.hidden = here.length === 0;
      group.querySelector("ul").replaceChildren(...here.map(one => {
        const chip = node("li", one.finding, { class: "nv-viewer-chip" });
        if (known.asked.includes(one.finding)) {
          chip.classList.add("nv-asked");
          chip.append(node("small", ` · ${words.asked_for}`));
        }
        return chip;
      }));
    }
    const tag = root.querySelector(".nv-tuned");
    tag?.remove();
    if (known.in_tuning) place(root, "mark").after(node("p", words.in_tuning, { class: "nv-tuned" }));
  }

  function simulated(root, words, set) {
    const part = root.querySelector('[data-part="simulated"]');
    part.hidden = !set;
    if (!set) return;
    place(root, "signs").replaceChildren(...set.signs.map(sign => {
      const row = document.createElement("tr");
      row.append(node("th", sign.finding, { scope: "row" }), node("td", number(sign.severity)), node("td", sign.side || "–"));
      return row;
    }));
    part.querySelector("table").hidden = set.signs.length === 0;
    place(root, "seed").textContent = fill(words.seed, set);
    part.querySelector("button")?.remove();
    if (set.pair) part.append(node("button", fill(words.show_pair, { id: set.pair }), { type: "button", "data-do": "pair" }));
  }

  return { ask, wait, ranks, mark, record, node };
})();
