/* Many sentences: read here, sent a few at a time, and laid out as a table that can be sorted, filtered and
   saved.  What was asked is in this page alone and goes when it is closed. */
"use strict";
(() => {
  let rows = []; // as the server answered, each with the further columns of its file
  let sorted = { by: "", down: true };
  let stop = null; // aborts what is under way
  let opened = null; // sentences of a file, with their further columns, while the box holds just these

  const tab = () => document.querySelector(".nv-many");
  const part = (name) => tab().querySelector(`.nv-many-${name}`);
  const told = (name) => JSON.parse(tab().dataset[name]);
  const { fill } = negviz;
  const models = () => [...tab().querySelectorAll("[data-kind=model]")].map((head) => head.dataset.sort);
  const box = () => part("box").querySelector("textarea");

  // What is asked --------------------------------------------------------------------------------

  /* RFC 4180: a list of lines, each a list of cells. */
  function parse(text) {
    const lines = [[]];
    let cell = "";
    let quoted = false;
    for (let at = 0; at <= text.length; at += 1) {
      const sign = text[at] ?? "\n";
      if (quoted && at < text.length) {
        if (sign !== '"') cell += sign;
        else if (text[at + 1] === '"') { cell += '"'; at += 1; }
        else quoted = false;
      } else if (sign === '"' && cell === "") quoted = true;
      else if (sign === "," || sign === "\n") {
        lines.at(-1).push(cell.replace(/\r$/, ""));
        cell = "";
        if (sign === "\n") lines.push([]);
      } else cell += sign;
    }
    return lines.filter((line) => line.some((one) => one.trim()));
  }

  /* The sentences of a CSV with a head, each with its further columns, and what is to be said of it. */
  function sentences(text, words) {
    const [head, ...lines] = parse(text.replace(/^\uFEFF/, ""));
    if (!head) return { found: [], said: "" };
    const names = head.map((name) => name.trim().toLowerCase());
    const column = names.findIndex((name) => ["prompt", "sentence", "text"].includes(name));
    if (column < 0 && head.length === 1) return { found: [head, ...lines].map(([one]) => ({ text: one.trim() })), said: "" };
    const at = Math.max(column, 0);
    const kinds = ["phenomenon", "user", "kind", "group"].map((name) => names.indexOf(name)).find((place) => place >= 0);
    const found = lines.map((line) => ({ text: (line[at] ?? "").trim(), kind: (line[kinds] ?? "").trim() }));
    return { found: found.filter((one) => one.text), said: column < 0 ? words.noColumn : "" };
  }

  function put(text, csv) {
    const read = csv ? sentences(text, told("words")) : { found: lines(text), said: "" };
    opened = read.found;
    box().value = read.found.map((one) => one.text.replace(/\s*\n\s*/g, " ")).join("\n");
    part("said").textContent = read.said;
  }

  const lines = (text) => text.split("\n").map((line) => ({ text: line.trim() })).filter((one) => one.text);

  /* What is in the box; with its kinds, where it is a file's that nobody has changed. */
  function wanted() {
    const typed = lines(box().value);
    const same = opened?.length === typed.length && opened.every((one, at) => one.text.replace(/\s*\n\s*/g, " ") === typed[at].text);
    return same ? opened : typed;
  }

  // Asking ---------------------------------------------------------------------------------------

  async function ask(texts, films, signal) {
    return (await (await negviz.post("page/many", { texts, films }, signal)).json()).rows;
  }

  async function go() {
    const words = told("words");
    const { most, atOnce, characters } = told("limits");
    const all = wanted();
    if (!all.length) { part("said").textContent = words.nothing; box().focus(); return; }
    const asked = all.slice(0, most);
    const films = part("films").value;
    const answered = new Array(asked.length);
    const abort = (stop = new AbortController());
    const began = performance.now();
    let said = all.length > most ? fill(words.tooMany, { most: most.toLocaleString("en") }) : "";
    let [next, done] = [0, 0];
    rows = [];
    busy(true);
    negviz.progress(part("progress"), words, 0, asked.length, began);
    const worker = async () => {
      while (next < asked.length) {
        const from = next;
        const some = asked.slice(from, (next += atOnce));
        const found = await ask(some.map((one) => one.text.slice(0, characters)), films, abort.signal);
        found.forEach((row, at) => { answered[from + at] = { ...row, kind: some[at].kind ?? "", films, place: from + at }; });
        done += some.length;
        rows = answered.filter(Boolean);
        negviz.progress(part("progress"), words, done, asked.length, began);
        show();
      }
    };
    try {
      await Promise.all([worker(), worker()]); // one is worked on while the other is on its way
    } catch (error) {
      abort.abort();
      if (error.name === "AbortError") said = fill(words.stopped, { done, of: asked.length });
      else said = (error instanceof TypeError ? "" : error.message) || words.failed;
    }
    busy(false);
    part("said").textContent = said;
  }

  function busy(is) {
    part("go").hidden = is;
    part("stop").hidden = !is;
    part("progress").hidden = !is;
    part("said").textContent = "";
  }

  // The table ------------------------------------------------------------------------------------

  const value = (row, by) => (by in row.models ? row.models[by].right - row.models[by].wrong : row[by]);

  /* Those that are to be seen, in the order chosen. */
  function chosen() {
    const [group, kind] = [part("group").value, part("kind").value];
    const left = rows.filter((row) => (!group || row.group === group) && (!kind || row.kind === kind));
    if (!sorted.by) return left;
    const way = sorted.down ? -1 : 1;
    const known = (row) => !(sorted.by in row.models) || row.group !== "unmarked"; // else it stands last
    return left.sort((one, other) => {
      if (known(one) !== known(other)) return known(one) ? -1 : 1;
      const [a, b] = [value(one, sorted.by) ?? -1, value(other, sorted.by) ?? -1];
      return (a < b ? -way : a > b ? way : 0) || one.place - other.place;
    });
  }

  function make(name, properties, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }

  function cell(row, model, words) {
    const { right, wrong, normal, margin } = row.models[model];
    if (row.group === "unmarked") return make("td", { textContent: "–" });
    const marks = fill(normal === null ? words.marksAlone : words.marks, { wrong, normal });
    const judged = right + wrong;
    const share = judged ? right / judged : 0.5;
    const made = make("td", { className: share < 0.5 ? "nv-mostly-wrong" : "" }, make("strong", { textContent: right }), " ", make("small", { textContent: marks }));
    made.style.setProperty("--strength", Math.abs(2 * share - 1).toFixed(2));
    if (margin !== null) made.title = `${words.margin} ${margin.toFixed(2)}`;
    return made;
  }

  function show() {
    const words = told("words");
    const names = models();
    const seen = chosen();
    kinds();
    part("found").hidden = false;
    part("table").tBodies[0].replaceChildren(...seen.map((row) => make("tr", {},
      make("th", { scope: "row" }, make("button", { type: "button", className: "nv-many-open", textContent: row.text })),
      make("td", { textContent: row.read, className: "nv-many-read" }),
      make("td", { textContent: row.chance === null ? "–" : row.chance.toFixed(1) }),
      ...names.map((model) => cell(row, model, words)),
    )));
    for (const head of tab().querySelectorAll("[data-sort]")) {
      const order = head.dataset.sort === sorted.by ? (sorted.down ? "descending" : "ascending") : "none";
      head.setAttribute("aria-sort", order);
      head.querySelector("span").textContent = { descending: "▼", ascending: "▲", none: "" }[order];
    }
    averages(seen, names, words);
  }

  /* One plain sentence a group: what each model shows on average, beside chance. */
  function averages(seen, names, words) {
    const groups = told("groups");
    const mean = (list) => (list.reduce((sum, one) => sum + one, 0) / list.length).toFixed(1);
    const said = ["absent", "present", "both"].flatMap((group) => {
      const of = seen.filter((row) => row.group === group);
      if (!of.length) return [];
      const each = names.map((model) => {
        const normal = of.map((row) => row.models[model].normal);
        const title = tab().querySelector(`[data-sort="${model}"] button`).firstChild.textContent.trim();
        const right = fill(words.shows, { model: title, right: mean(of.map((row) => row.models[model].right)) });
        return right + (group !== "absent" || normal.includes(null) ? "" : fill(words.normal, { normal: mean(normal) }));
      });
      const chance = fill(words.chance, { chance: mean(of.map((row) => row.chance ?? 0)) });
      return [make("li", {}, make("b", { textContent: fill(words.average, { count: of.length, group: of.length === 1 ? words.one[group] : groups[group] }) }), ` ${[...each, chance].join(", ")}`)];
    });
    part("averages").replaceChildren(...(said.length ? said : [make("li", { textContent: words.unjudged })]));
  }

  function kinds() {
    const list = [...new Set(rows.map((row) => row.kind).filter(Boolean))].sort();
    const select = part("kind");
    part("kinds").hidden = list.length < 2;
    const options = ["", ...list];
    if ([...select.options].map((one) => one.value).join("\n") === options.join("\n")) return;
    const before = select.value;
    select.replaceChildren(...options.map((name) => make("option", { value: name, textContent: name || told("groups")[""] })));
    select.value = options.includes(before) ? before : "";
  }

  // Taking it along ------------------------------------------------------------------------------

  /* As `export.guarded`: no spreadsheet takes a cell for a formula. */
  function guarded(text) {
    const safe = /^ *[=+\-@\t\r\n|%]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function csv() {
    const names = models();
    const head = ["sentence", "kind", "read", "films", "chance", ...names.flatMap((model) => ["right", "wrong", "normal", "margin"].map((what) => `${model} ${what}`))];
    const body = chosen().map((row) => [
      guarded(row.text), guarded(row.kind), guarded(row.read), guarded(row.films), row.chance ?? "",
      ...names.flatMap((model) => {
        const { right, wrong, normal, margin } = row.models[model];
        return row.group === "unmarked" ? ["", "", normal ?? "", margin ?? ""] : [right, wrong, normal ?? "", margin ?? ""];
      }),
    ]);
    return [head, ...body].map((line) => line.join(",")).join("\r\n");
  }

  // Listening ------------------------------------------------------------------------------------

  negviz.on("negviz:forget", "", () => {
    stop?.abort();
    [rows, opened] = [[], null];
    if (!tab()) return; // never opened
    box().value = "";
    part("said").textContent = "";
    part("table").tBodies[0].replaceChildren();
    part("found").hidden = true;
  });
  negviz.on("click", ".nv-many-go", go);
  negviz.on("click", ".nv-many-stop", () => stop?.abort());
  negviz.on("click", ".nv-many-save", () => negviz.save(new Blob([csv()], { type: "text/csv" }), "negviz-sentences.csv"));
  negviz.on("change", ".nv-many-filters select", show);
  negviz.on("click", ".nv-many-table thead button", (button) => {
    const by = button.closest("th").dataset.sort;
    sorted = { by, down: sorted.by === by ? !sorted.down : !["text", "read"].includes(by) };
    show();
  });
  negviz.on("click", ".nv-many-open", (button) => {
    document.querySelector(".nv-tabs [role=tab]").click(); // Explore is the first
    negviz.search(button.textContent);
    negviz.top();
  });
  negviz.on("change", ".nv-many-ways input[type=file]", async (input) => {
    const [file] = input.files;
    if (!file) return;
    const text = await file.text();
    input.value = "";
    put(text, !/\.txt$/i.test(file.name));
  });
  negviz.on("change", ".nv-many-ours", async (select) => {
    if (!select.value) return;
    try {
      const response = await fetch(`page/many/prompts?of=${encodeURIComponent(select.value)}`);
      put(await response.text(), true);
    } catch {
      part("said").textContent = told("words").failed;
    }
  });
})();
