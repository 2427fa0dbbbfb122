/* Sharing.  A sentence leaves this page in two ways only: in the body of a POST to our own server, and in a
   link that somebody asked for, behind the #, which browsers send to no server.

   negviz.qr(box, asked, local)  put the QR code of a question's link into a box; `local` is said where the
                                 address leads to this computer only
   negviz.loaded(address)        the picture that lies there; null where there is none
   negviz.wrapped(pen, text, font, width, most)   lines of so many pixels as [text, font]
   negviz.here()                 the address of the page; "" where it leads to this computer only
   negviz.caption()              lines that say what a picture taken now is of */
"use strict";
(() => {
  const here = () => location.href.split("#")[0].split("?")[0];
  const onlyHere = () => ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

  negviz.here = () => (onlyHere() ? "" : here());

  const post = (route, body) => negviz.post(`share/${route}`, body);

  /* What a link brings back beside the question: the script of each part of the page tells its own. */
  const state = () => Object.entries(negviz.state()).map(([name, text]) => `&${name}=${encodeURIComponent(text)}`).join("");
  const link = () => here() + bar().dataset.fragment + state();

  negviz.caption = () => {
    const { says, caption } = bar().dataset;
    const day = new Date().toISOString().slice(0, 10);
    return [...JSON.parse(says), [caption, day, negviz.here()].filter(Boolean).join(" · ")];
  };

  negviz.qr = async (box, asked, local, further = "") => {
    const said = await post("qr", { page: here(), asked, state: further });
    const svg = new DOMParser().parseFromString(await said.text(), "image/svg+xml").documentElement;
    box.replaceChildren(document.importNode(svg, true));
    if (onlyHere()) {
      const note = document.createElement("p");
      note.className = "nv-note";
      note.textContent = local;
      box.append(note);
    }
  };

  // Buttons ------------------------------------------------------------------------------------

  const pressed = {
    async link(bar) {
      const label = bar.querySelector(".nv-share-link");
      const box = label.querySelector("input");
      label.hidden = false;
      box.value = link();
      box.select();
      try {
        await navigator.clipboard.writeText(box.value);
        return bar.dataset.sayCopied;
      } catch {
        return bar.dataset.sayCopyIt; // not allowed, or not a secure address
      }
    },
    async qr(bar, asked) {
      const box = bar.querySelector(".nv-qr");
      await negviz.qr(box, asked, bar.dataset.sayLocal, state());
      box.hidden = false;
      return "";
    },
    async csv(bar, asked) {
      const name = negviz.save(await (await post("csv", { asked })).blob(), "negviz-comparison.csv");
      return bar.dataset.saySaved.replace("{name}", name);
    },
    async file(bar, asked) {
      const said = await post("file", { asked, film: negviz.mapped() });
      const name = negviz.save(new Blob([await said.blob()], { type: "text/html" }), "negviz-comparison.html");
      return bar.dataset.saySavedWith.replace("{name}", name).replace("{hash}", said.headers.get("X-SHA256"));
    },
    async loop(bar, asked) {
      return bar.dataset.saySaved.replace("{name}", await negviz.saveLoop(asked));
    },
    async png(bar, asked) {
      const canvas = document.createElement("canvas");
      await draw(await (await post("comparison", { asked })).json(), (width, height) => {
        [canvas.width, canvas.height] = [2 * width, 2 * height]; // fit for a slide
        const pen = canvas.getContext("2d");
        pen.scale(2, 2);
        return pen;
      });
      return bar.dataset.saySaved.replace("{name}", await saved(canvas, "negviz-comparison.png"));
    },
    async svg(bar, asked) {
      const pen = await draw(await (await post("comparison", { asked })).json(), negviz.svgPen);
      return bar.dataset.saySaved.replace("{name}", savedSvg(pen.text(), "negviz-comparison.svg"));
    },
  };

  async function saved(canvas, name) {
    return negviz.save(await new Promise((done) => canvas.toBlob(done, "image/png")), name);
  }

  function savedSvg(text, name) {
    return negviz.save(new Blob([text], { type: "image/svg+xml" }), name);
  }

  /* A panel alone: as a picture, or as a link that opens it. */
  negviz.on("click", "[data-panel-share]", async (button) => {
    const said = button.parentElement.querySelector("[role=status]");
    const { panel, panelShare } = button.dataset;
    const says = bar().dataset;
    said.textContent = says.sayWorking;
    const shown = button.closest(".nv-panel");
    try {
      if (panelShare === "link") {
        await navigator.clipboard.writeText(link());
        said.textContent = says.sayCopied;
      } else {
        const name = panelShare === "png"
          ? await saved(await negviz.picture(shown, negviz.caption()), `negviz-${panel}.png`)
          : savedSvg(await negviz.vector(shown, negviz.caption()), `negviz-${panel}.svg`);
        said.textContent = says.saySaved.replace("{name}", name);
      }
    } catch {
      said.textContent = panelShare === "link" ? link() : says.sayFailed;
    }
  });

  negviz.on("click", "[data-share]", async (button) => {
    if (button.getAttribute("aria-disabled") === "true") return;
    const bar = button.closest(".nv-share");
    const said = bar.querySelector(".nv-share-said");
    button.setAttribute("aria-disabled", "true");
    said.textContent = bar.dataset.sayWorking;
    try {
      said.textContent = await pressed[button.dataset.share](bar, JSON.parse(bar.dataset.asked));
    } catch (error) {
      said.textContent = (error instanceof TypeError ? "" : error.message) || bar.dataset.sayFailed;
    }
    button.removeAttribute("aria-disabled");
  });

  // An answer brings a new bar: one that was opened stays open.  Only a visitor's click says so, since a bar
  // that gradio patches closes by itself.
  let opened = false;
  const bar = () => document.querySelector("details.nv-share");
  negviz.on("click", ".nv-share > summary", () => { opened = !bar().open; });
  negviz.changed(() => { if (opened && bar() && !bar().open) bar().open = true; });

  // A picture of the comparison ------------------------------------------------------------------

  const [WIDE, GAP, EDGE, SIDE, ACROSS] = [440, 24, 24, 80, 5]; // pixels, and films in a row
  const COLOURS = { matches: "#006B5B", contradicts: "#A3276B", "not-stated": "#525C63" };
  const FACE = "system-ui, sans-serif";

  /* With a pen for so many pixels, which is returned. */
  async function draw(comparison, penFor) {
    const columns = comparison.columns;
    const ruler = document.createElement("canvas").getContext("2d");
    const width = 2 * EDGE + columns.length * WIDE + (columns.length - 1) * GAP;
    const rows = Math.max(...columns.map((column) => Math.ceil(column.films.length / ACROSS)));
    const lines = [
      ...wrap(ruler, `“${comparison.sentence}”`, `600 24px ${FACE}`, width - 2 * EDGE, 4),
      ...wrap(ruler, comparison.verdict, `18px ${FACE}`, width - 2 * EDGE, 3),
    ];
    const top = EDGE + lines.length * 32 + 16;
    const notes = [...comparison.notes, negviz.caption().at(-1)];
    const height = top + 64 + rows * (SIDE + 28) + 16 + 22 * notes.length + EDGE;
    const pen = penFor(width, height);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    lines.forEach(([text, font], row) => write(pen, text, EDGE, EDGE + 24 + row * 32, font, "#14181B"));
    await Promise.all(columns.map((column, n) => drawColumn(pen, column, EDGE + n * (WIDE + GAP), top)));
    notes.forEach((note, row) =>
      write(pen, note, EDGE, height - EDGE - 22 * (notes.length - 1 - row), `13px ${FACE}`, "#525C63"));
    return pen;
  }

  function drawColumn(pen, column, x, y) {
    write(pen, column.name, x, y + 16, `600 18px ${FACE}`, "#14181B");
    write(pen, column.role, x + pen.measureText(column.name).width + 8, y + 16, `14px ${FACE}`, "#525C63");
    write(pen, column.count, x, y + 42, `16px ${FACE}`, "#14181B");
    return Promise.all(column.films.map((film, n) =>
      drawFilm(pen, film, x + (n % ACROSS) * (SIDE + 8), y + 64 + Math.floor(n / ACROSS) * (SIDE + 28))));
  }

  async function drawFilm(pen, film, x, y) {
    pen.fillStyle = "#000";
    pen.fillRect(x, y, SIDE, SIDE);
    const image = await load(`film/tile?id=${encodeURIComponent(film.id)}`);
    if (image) {
      const scale = Math.min(SIDE / image.naturalWidth, SIDE / image.naturalHeight);
      const [w, h] = [image.naturalWidth * scale, image.naturalHeight * scale];
      pen.drawImage(image, x + (SIDE - w) / 2, y + (SIDE - h) / 2, w, h);
    }
    const said = film.shape ? `${film.shape} ${film.mark}` : film.score;
    write(pen, said, x, y + SIDE + 16, `12px ${FACE}`, COLOURS[film.kind] ?? "#525C63");
  }

  negviz.loaded = load;
  function load(address) {
    return new Promise((done) => {
      const image = new Image();
      image.onload = () => done(image);
      image.onerror = () => done(null);
      image.src = address;
    });
  }

  function write(pen, text, x, y, font, colour) {
    pen.font = font;
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
  }

  negviz.wrapped = wrap;
  function wrap(pen, text, font, width, most) {
    pen.font = font;
    const lines = [];
    let line = "";
    for (const word of text.split(/\s+/)) {
      const longer = line ? `${line} ${word}` : word;
      if (line && pen.measureText(longer).width > width) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    if (line) lines.push(line);
    const kept = lines.slice(0, most);
    if (lines.length > most) kept[most - 1] += " …";
    return kept.map((said) => [said, font]);
  }

  // A link that was followed: what it names is only ever compared with what is on the page ------------

  const SETTLED = 500; // milliseconds after its last panel is there, a page takes input
  const PATIENCE = 8_000; // milliseconds
  const TRIES = 3;

  async function follow() {
    const given = new URLSearchParams(location.hash.slice(1));
    const text = (given.get("q") ?? "").slice(0, 4_000).trim();
    if (!text) return;
    if (given.get("lesson")) return negviz.restore("lesson", given.get("lesson").slice(0, 40)); // to vote in
    document.querySelector("[role=tab]")?.click(); // Explore
    const pinned = (given.get("pin") ?? "").slice(0, 4_000).trim();
    if (pinned && await ask(pinned, given)) await pin(pinned);
    await ask(text, given);
    const [finding, polarity] = (given.get("meant") ?? "").split(".");
    if (finding && isAnswered(text)) await mean(finding, polarity);
    if (given.get("show") && given.get("not") && isAnswered(text)) await fill(given.get("show"), given.get("not"));
    if (given.get("taken") && isAnswered(text)) await take((given.get("opposite") ?? "").slice(0, 4_000).trim());
    for (const name of Object.keys(AT_LAST)) if (given.get(name)) negviz.restore(name, given.get(name));
  }

  const AT_LAST = { more: 1, film: 1, like: 1, panel: 1 }; // brought back in this order, once the answer is there
  const wall = () => document.querySelector(".nv-columns[data-asked]");

  async function ask(text, given) {
    for (let tries = 0; tries < TRIES; tries += 1) {
      await add((given.get("models") ?? "").split(".").filter(Boolean));
      const films = given.get("films"); // the list of a finding belongs to a set that can be chosen
      pick(".nv-sets", films) || pick(".nv-sets", films?.split("/").slice(0, 2).join("/"));
      negviz.search(text);
      if (await until(() => isAnswered(text))) return true; // gradio may not have listened yet
    }
    return false;
  }

  /* Pin what is answered, once every answer under way has come: a later one would unpin it. */
  async function pin(text) {
    const pinned = () => wall()?.dataset.pinned === text;
    for (let tries = 0; tries < TRIES && !pinned(); tries += 1) {
      await until(() => !document.querySelector(".pending"));
      document.querySelector(".nv-pin")?.click();
      await until(pinned);
    }
  }

  /* Tick the models that were added. */
  async function add(models) {
    const boxes = () => [...document.querySelectorAll(".nv-add input[type=checkbox]")];
    if (models.length && !boxes().length) {
      document.querySelector(".nv-add button")?.click();
      await until(() => boxes().length);
    }
    for (const box of boxes()) if (box.checked !== models.includes(box.name || box.value)) box.click();
  }

  /* Two boxes, and the column that they make. */
  async function fill(show, butNot) {
    const boxes = () => [...document.querySelectorAll(".nv-two textarea, .nv-two input")];
    for (const fold of [".nv-add > button", ".nv-boxes > button"]) {
      await until(() => document.querySelector(fold));
      document.querySelector(`${fold}:not(.open)`)?.click();
    }
    if (!(await until(() => boxes()[1]?.offsetParent))) return;
    await choose(boxes()[0], show.slice(0, 4_000));
    await choose(boxes()[1], butNot.slice(0, 4_000), "keypress");
    await until(() => document.querySelector("[data-model=two-boxes]"));
  }

  /* Compare with the opposite: ours, or in the visitor's words. */
  async function take(opposite) {
    const box = document.querySelector(".nv-toggle input[type=checkbox]");
    if (!box) return;
    if (!box.checked) box.click();
    await until(() => document.querySelector(".nv-compared, .nv-turned textarea, .nv-turned input"));
    const words = () => document.querySelector(".nv-turned textarea, .nv-turned input");
    if (!opposite || !(await until(() => words()?.offsetParent))) return;
    await choose(words(), opposite, "keypress");
  }

  /* Press the radio button of that value, if there is one. */
  function pick(within, value) {
    const radios = [...document.querySelectorAll(`${within} input[type=radio]`)];
    const wanted = radios.find((radio) => radio.value === value);
    if (wanted && !wanted.checked) wanted.click();
    return Boolean(wanted);
  }

  function isAnswered(text) {
    const read = document.querySelector(".nv-sentence q")?.textContent.trim() ?? "";
    return read.startsWith(text.slice(0, 200));
  }

  /* Correct the reading as the link says, by the page's own means. */
  async function mean(finding, polarity) {
    const fold = document.querySelector(".nv-meant");
    const list = () => fold.querySelector("input[role=listbox], input[role=combobox]");
    if (!list()?.offsetParent) fold.querySelector("button")?.click();
    if (!(await until(() => list()?.offsetParent))) return;
    for (let tries = 0; tries < TRIES && list().value !== finding; tries += 1) {
      await choose(list(), finding); // what the answer says of the form may come after the answer, and undo it
    }
    for (const radio of fold.querySelectorAll("input[type=radio]")) radio.checked = false; // gradio leaves it
    if (list().value !== finding || !pick(".nv-meant", polarity)) return; // no such finding, no such polarity
    const mark = () => [...fold.querySelectorAll("button")].at(-1);
    if (await until(() => !mark().disabled)) mark().click(); // it stays as it is where nothing is corrected
  }

  /* As a hand would, with time between the keys for gradio to take each in. */
  async function choose(box, value, ...kinds) {
    const soon = () => new Promise((done) => setTimeout(done, 150));
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
    box.focus();
    await soon();
    set.call(box, value);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await soon();
    for (const kind of kinds.length ? kinds : ["keydown", "keyup"]) {
      box.dispatchEvent(new KeyboardEvent(kind, { key: "Enter", code: "Enter", bubbles: true }));
    }
    await soon();
    box.blur();
    await soon();
  }

  async function until(holds) {
    for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
      if (holds()) return true;
      await new Promise((done) => setTimeout(done, 100));
    }
    return false;
  }

  addEventListener("hashchange", follow);
  let waiting = location.hash.length > 1;
  negviz.mounted(".nv-share", () => {
    if (!waiting) return;
    waiting = false;
    setTimeout(follow, SETTLED);
  });
})();
