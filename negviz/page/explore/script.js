/* The galleries: the rank of the selected film in every column, the column switch of phones; and the warning
   before a sentence that may name a patient is sent. */
"use strict";
(() => {
  /* A sentence to try ------------------------------------------------------------------------- */

  negviz.on("click", "[data-try]", button => negviz.search(button.dataset.try));

  /* One panel at a time is unfolded, by its name; "" folds all. */
  negviz.unfold = name => {
    document.body.dataset.unfolded = name;
    for (const button of document.querySelectorAll(".nv-folds button")) say(button);
    document.dispatchEvent(new CustomEvent("negviz:unfold", { detail: { name } }));
    if (name) requestAnimationFrame(() => document.querySelector(".nv-folds").scrollIntoView());
    return name;
  };
  const say = button => {
    button.setAttribute("aria-expanded", button.id === `nv-fold-${document.body.dataset.unfolded}`);
  };
  negviz.mounted(".nv-folds button", say);

  /* On a phone the films begin in the upper half: what stands before them elsewhere is unfolded by a button. */
  const aside = button => {
    const open = String(button.closest(".nv-tabs").hasAttribute("data-aside"));
    if (button.getAttribute("aria-expanded") !== open) button.setAttribute("aria-expanded", open);
  };
  negviz.on("click", ".nv-aside", button => {
    button.closest(".nv-tabs").toggleAttribute("data-aside");
    aside(button);
  });
  negviz.mounted(".nv-aside", aside);

  /* A panel that still answers another question than the films on show is dimmed and keeps its place. */
  let opened; // the question that the page came with, which panels answer that carry none
  negviz.changed(() => {
    const now = document.querySelector(".nv-columns[data-asked]")?.dataset.asked;
    if (!now) return;
    opened ??= now;
    for (const panel of document.querySelectorAll(".nv-follows")) {
      const answers = panel.querySelector(".nv-of")?.dataset.of ?? opened;
      const stale = answers !== now && panel.textContent.trim() !== "";
      if (stale !== panel.hasAttribute("data-stale")) panel.toggleAttribute("data-stale", stale);
    }
  });

  /* Wordings are one stop of the Tab key; arrows go from one to the next. */
  negviz.on("keydown", ".nv-wordings button", (button, event) => {
    const all = [...button.parentElement.children];
    const at = all.indexOf(button);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (!all[to]) return;
    event.preventDefault();
    button.tabIndex = -1;
    all[to].tabIndex = 0;
    all[to].focus();
  });
  negviz.on("negviz:select", "", () => tell(true));

  /* What a link to the page holds of this */
  const toggle = () => document.querySelector(".nv-toggle input[type=checkbox]");
  negviz.keep("taken", () => (toggle()?.checked ? "1" : ""));
  negviz.keep("pin", () => document.querySelector(".nv-columns")?.dataset.pinned ?? "");
  negviz.keep("film", () => negviz.selected, id => negviz.select(id));
  negviz.keep("panel", () => document.body.dataset.unfolded ?? "", name => {
    const button = [...document.querySelectorAll(".nv-folds button")].find(one => one.id === `nv-fold-${name}`);
    if (button?.getAttribute("aria-expanded") !== "true") button?.click();
  });

  /* The selected film where a column does not show it ------------------------------------------ */

  let told = ""; // which film of which question the spare cells speak of
  let asking = null; // under way

  async function tell(again) {
    const wall = document.querySelector(".nv-columns");
    const id = negviz.selected;
    const key = wall && id ? `${id}\n${wall.dataset.asked}` : "";
    const drawnAnew = key && !asking && [...document.querySelectorAll(".nv-spare")].some(cell => cell.dataset.told !== key);
    if (!wall || (key === told && !again && !drawnAnew)) return;
    told = key;
    asking?.abort();
    asking = null;
    const words = JSON.parse(wall.dataset.words);
    if (!key) return spares(cell => cell.replaceChildren(words.pick));
    const mine = asking = new AbortController();
    let ranks = null;
    try {
      const body = JSON.stringify({ asked: wall.dataset.asked, id });
      const reply = await fetch("page/ranks", { method: "POST", body, signal: mine.signal });
      if (reply.ok) ranks = await reply.json();
    } catch { /* aborted, or the server is gone: the galleries say so */ }
    if (asking !== mine) return;
    spares(cell => { cell.dataset.told = key; fill(cell, id, ranks?.[cell.dataset.model], words); });
    asking = null;
  }

  function spares(fn) {
    for (const cell of document.querySelectorAll(".nv-spare")) fn(cell);
  }

  function fill(cell, id, hit, words) {
    if (!hit) return cell.replaceChildren(words.notSearched);
    const shown = [...cell.closest(".nv-tiles").querySelectorAll(".nv-tile")].find(tile => tile.dataset.film === id);
    if (shown) return cell.replaceChildren(words.inTen.replace("{}", hit.rank));
    cell.replaceChildren(...well(id), facts(cell.closest(".nv-columns"), hit, words));
  }

  function well(id) {
    const box = make("span", "nv-well");
    const picture = make("img");
    picture.src = `film/tile?id=${encodeURIComponent(id)}`;
    picture.alt = "";
    box.append(make("span", "nv-id", id), picture);
    return [box];
  }

  function facts(wall, hit, words) {
    const box = make("span", "nv-spare-facts");
    box.append(make("strong", "", `[${hit.rank === null ? words.beyond : words.rank.replace("{}", hit.rank)}]`));
    if (wall.querySelector(".nv-mark")) {
      const [shape, word, name] = words.marks[String(hit.relevant)];
      box.append(make("span", `nv-${name}`, `${shape} ${word}`));
    }
    box.append(make("span", "", `${words.similarity} ${hit.score.toFixed(2).replace("-", "−")}`));
    return box;
  }

  function make(name, className = "", text = "") {
    const element = document.createElement(name);
    element.className = className;
    element.textContent = text;
    return element;
  }

  /* The column switch ------------------------------------------------------------------------- */

  let column = "";

  function show(model) {
    column = model;
    const buttons = [...document.querySelectorAll(".nv-switch [data-show]")];
    if (!buttons.length) return;
    if (!buttons.some(button => button.dataset.show === column)) column = buttons[0].dataset.show;
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.show === column);
    for (const section of document.querySelectorAll(".nv-columns > .nv-column")) {
      section.classList.toggle("nv-shown", section.dataset.model === column);
    }
  }

  negviz.on("click", ".nv-switch [data-show]", button => show(button.dataset.show));
  negviz.changed(() => { show(column); tell(false); });

  /* What may name a patient is not sent unasked ------------------------------------------------ */

  const SENDS = ".nv-ask, .nv-sets, .nv-turned";
  let allowed = ""; // the text that the visitor said to send
  let held = null; // what was about to happen

  const boxes = () => [...document.querySelectorAll(".nv-box textarea, .nv-box input")];

  function suspect(text) {
    const guard = document.querySelector(".nv-guard");
    const signs = guard ? JSON.parse(guard.dataset.signs) : [];
    return signs.find(sign => new RegExp(sign.pattern, sign.any_case ? "iu" : "u").test(text))?.kind;
  }

  function watch(_, event) {
    if (event.type !== "click" && event.key !== "Enter") return;
    if (event.target.closest(".nv-quiet") || (event.type === "click" && event.target.closest(".nv-box"))) return;
    const text = boxes().map(box => box.value).join("\n");
    const kind = text === allowed ? undefined : suspect(text);
    if (!kind) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    held = { text, target: event.target, type: event.type };
    const guard = document.querySelector(".nv-guard");
    guard.querySelector("p").textContent = guard.dataset.says.replace("{}", kind);
    guard.hidden = false;
    guard.querySelector("[data-guard=back]").focus();
  }

  for (const type of ["click", "keydown", "keypress"]) negviz.before(type, SENDS, watch);

  negviz.on("click", "[data-guard]", button => {
    if (!held) return;
    const answer = button.dataset.guard;
    const { text, target, type } = held;
    held = null;
    document.querySelector(".nv-guard").hidden = true;
    if (answer === "back") return boxes()[0]?.focus();
    allowed = text;
    if (type === "click") return target.click();
    target.focus();
    target.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", code: "Enter", bubbles: true }));
  });
})();
