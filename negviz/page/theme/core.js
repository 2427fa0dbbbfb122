/* What the page's scripts share.  Gradio replaces the page's HTML whenever it likes, so nothing here
   holds on to an element: one listener a kind of event stands on the document, and one observer over all.

   negviz.on(type, css, fn) call fn(element, event) for an event within a matching element; css "" is anywhere
   negviz.before(type, css, fn)  the same before gradio hears of it
   negviz.changed(fn)       call fn(records) whenever the page or its theme has changed

   negviz.fill(text, values)   "{name}" in a sentence of ours by what it is
   negviz.progress(line, words, done, of, since)   how far a line's <progress> is, in its <span> with what is left
   negviz.post(address, body, signal)   the response to JSON; throws an Error with the server's sentence, or "" without
   negviz.keep(name, get, set)   a part of what a link to the page holds: get() is it as text, set(text) brings it back
   negviz.state()           all of these, by name; negviz.restore(name, text)   one of them brought back
   negviz.save(blob, name)  a file into the visitor's downloads; its name

   negviz.search(text)      put a sentence into the box and search for it
   negviz.select(id)        one film selected is selected everywhere; "" for none
   negviz.selected          its id
   negviz.forget()          nothing selected, and what a panel keeps of the visit goes
   negviz.top()             back to the box, at the top of the page
   negviz.mounted(css, fn)  call fn(element) for every matching element, now and when one is mounted anew
   document "negviz:select" after a selection, detail {id}; "negviz:unfold" after a panel was, detail {name};
   "negviz:forget" when the visit is cleared */
"use strict";
window.negviz = (() => {
  const mounts = [];
  const seen = new WeakMap();
  const heard = new Map(); // by kind of event and phase, who is told: [css, fn]
  const watchers = [];
  const kept = new Map(); // by name, how a part of the page's state is told and brought back
  let selected = "";

  function on(type, css, fn) { hear(type, css, fn, false); }
  function before(type, css, fn) { hear(type, css, fn, true); }

  function hear(type, css, fn, capture) {
    const key = `${type} ${capture}`;
    if (!heard.has(key)) {
      heard.set(key, []);
      document.addEventListener(type, event => tell(heard.get(key), event), capture);
    }
    heard.get(key).push([css, fn]);
  }

  function tell(listeners, event) {
    for (const [css, fn] of listeners) {
      const element = css ? event.target.closest?.(css) : document;
      if (element) attempt(fn, element, event);
    }
  }

  /* What goes wrong in one panel keeps nothing from the others. */
  function attempt(fn, ...given) {
    try { fn(...given); } catch (error) { reportError(error); }
  }

  function changed(fn) { watchers.push(fn); }

  function fill(text, values) { return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? ""); }

  function progress(line, words, done, of, since) {
    Object.assign(line.querySelector("progress"), { max: of, value: done });
    const seconds = Math.ceil(((performance.now() - since) / 1000 / Math.max(done, 1)) * (of - done));
    const left = done > 0 && done < of ? ` · ${fill(words.left, { seconds })}` : "";
    line.querySelector("span").textContent = fill(words.working, { done: Math.floor(done), of }) + left;
  }

  async function post(address, body, signal) {
    const reply = await fetch(address, {
      method: "POST", signal, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    if (!reply.ok) throw new Error(reply.status === 400 ? await reply.text() : "");
    return reply;
  }

  function keep(name, get, set) { kept.set(name, { get, set }); }

  function state() {
    const all = [...kept].map(([name, { get }]) => [name, get()]);
    return Object.fromEntries(all.filter(([, text]) => text));
  }

  function restore(name, text) { attempt(kept.get(name).set, text); }

  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    return name;
  }

  function search(text) {
    const box = document.querySelector(".nv-ask textarea, .nv-ask input[type=text]");
    if (!box) return;
    const set = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(box), "value").set;
    set.call(box, text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    requestAnimationFrame(() => {
      box.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", code: "Enter", bubbles: true }));
    });
  }

  function select(id) {
    selected = id;
    paint();
    document.dispatchEvent(new CustomEvent("negviz:select", { detail: { id } }));
  }

  function paint() {
    for (const tile of document.querySelectorAll("[data-film]")) {
      const picked = selected !== "" && tile.dataset.film === selected;
      tile.classList.toggle("nv-selected", picked);
      tile.querySelector(".nv-pick")?.setAttribute("aria-pressed", picked);
    }
  }

  function mounted(selector, fn) {
    mounts.push([selector, fn]);
    visit();
  }

  function visit() {
    for (const [selector, fn] of mounts) {
      for (const element of document.querySelectorAll(selector)) {
        const done = seen.get(element) ?? new Set();
        if (done.has(fn)) continue;
        seen.set(element, done.add(fn));
        fn(element);
      }
    }
  }

  /* Gradio draws groups of choices without a legend: they take the name that is written above them. */
  mounted("fieldset", group => {
    const name = group.querySelector("[data-testid=block-info]");
    if (name) group.setAttribute("aria-label", name.textContent.trim());
  });

  /* Nor does it say whether a fold is open. */
  function folds() {
    for (const button of document.querySelectorAll("button.label-wrap")) {
      const open = String(button.classList.contains("open"));
      if (button.getAttribute("aria-expanded") !== open) button.setAttribute("aria-expanded", open);
    }
  }
  on("click", "button.label-wrap", () => requestAnimationFrame(() => requestAnimationFrame(folds)));

  const observer = new MutationObserver(records => {
    for (const fn of [visit, paint, folds, ...watchers]) attempt(fn, records);
  });
  const theme = { attributes: true, attributeFilter: ["class"] };
  observer.observe(document, {
    childList: true, characterData: true, subtree: true, attributes: true, attributeFilter: ["data-asked", "data-placed"],
  });
  observer.observe(document.documentElement, theme);
  mounted("body", body => observer.observe(body, theme));

  function top() {
    scrollTo({ top: 0 });
    document.querySelector(".nv-ask textarea, .nv-ask input[type=text]")?.focus({ preventScroll: true });
  }

  function forget() {
    select("");
    document.dispatchEvent(new CustomEvent("negviz:forget"));
    top();
  }

  return { on, before, changed, fill, progress, post, keep, state, restore, save, search, select, mounted, forget, top, get selected() { return selected; } };
})();
