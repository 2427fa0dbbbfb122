/* What the page's scripts share.  Gradio replaces the page's HTML whenever it likes, so nothing here
   holds on to an element: events are listened for on the document.

   negviz.search(text)      put a sentence into the box and search for it
   negviz.select(id)        one film selected is selected everywhere; "" for none
   negviz.selected          its id
   negviz.top()             back to the box, at the top of the page
   negviz.mounted(css, fn)  call fn(element) for every matching element, now and when one is mounted anew
   document "negviz:select" after a selection, detail {id} */
"use strict";
window.negviz = (() => {
  const mounts = [];
  const seen = new WeakMap();
  let selected = "";

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
  document.addEventListener("click", event => {
    if (event.target.closest?.("button.label-wrap")) requestAnimationFrame(() => requestAnimationFrame(folds));
  });

  new MutationObserver(() => { visit(); paint(); folds(); }).observe(document.documentElement, { childList: true, subtree: true });
  function top() {
    scrollTo({ top: 0 });
    document.querySelector(".nv-ask textarea, .nv-ask input[type=text]")?.focus({ preventScroll: true });
  }

  return { search, select, mounted, top, get selected() { return selected; } };
})();
