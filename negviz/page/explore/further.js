/* Further films of a column, and films like one in place of the columns: fetched when somebody asks, kept through
   further answers, and part of the page's state. */
"use strict";
(() => {
  const wide = new Set(); // models of which further films are shown
  let from = null; // what had the focus before films like one were shown

  const wall = () => document.querySelector(".nv-columns[data-asked]");
  const buttonOf = model => [...document.querySelectorAll(".nv-more")].find(one => one.dataset.more === model);
  const place = () => document.querySelector(".nv-like-place");

  async function fetched(address, body) {
    const asked = JSON.parse(wall().dataset.asked);
    return (await negviz.post(address, { asked, ...body })).text(); // escaped by the server
  }

  /* Further films ----------------------------------------------------------------------------- */

  async function widen(button) {
    const model = button.dataset.more;
    const { asked } = wall().dataset;
    const words = JSON.parse(wall().dataset.words);
    button.setAttribute("aria-disabled", "true");
    try {
      const html = await fetched("page/further", { model });
      if (wall()?.dataset.asked !== asked || !button.isConnected || !wide.has(model)) return;
      fold(button);
      button.closest(".nv-tiles").insertAdjacentHTML("beforeend", html);
      button.dataset.most ??= button.textContent;
      button.dataset.of = asked;
      button.textContent = words.fewer;
      button.setAttribute("aria-expanded", "true");
      negviz.select(negviz.selected); // it may be among them
    } catch (error) {
      wide.delete(model);
      button.textContent = error.message || words.failed;
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  function fold(button) {
    for (let next = button.closest(".nv-rest").nextElementSibling; next; ) {
      const after = next.nextElementSibling;
      next.remove();
      next = after;
    }
    button.textContent = button.dataset.most ?? button.textContent;
    button.setAttribute("aria-expanded", "false");
    delete button.dataset.of;
  }

  negviz.on("click", ".nv-more", button => {
    if (button.getAttribute("aria-disabled") === "true") return;
    const model = button.dataset.more;
    if (!wide.delete(model)) { wide.add(model); return widen(button); }
    fold(button);
    button.scrollIntoView({ block: "nearest" });
  });

  /* What gradio drew anew is widened again, and what it patched and no longer fits is folded. */
  negviz.changed(() => {
    const asked = wall()?.dataset.asked;
    if (!asked) return;
    if (document.body.dataset.like && document.querySelector(".nv-like")?.dataset.asked !== asked) back(false);
    for (const button of document.querySelectorAll(".nv-more")) {
      const stands = button.dataset.of === asked && button.closest(".nv-rest").nextElementSibling;
      if (stands || button.getAttribute("aria-disabled") === "true") continue;
      if (button.dataset.of || button.closest(".nv-rest").nextElementSibling) fold(button);
      if (wide.has(button.dataset.more)) widen(button);
    }
  });

  /* Films like one ---------------------------------------------------------------------------- */

  negviz.like = async id => {
    if (!wall()) return;
    const asked = wall().dataset.asked;
    from ??= document.activeElement;
    const html = await fetched("page/like", { id });
    if (wall()?.dataset.asked !== asked) return;
    place().innerHTML = html;
    document.body.dataset.like = id;
    negviz.select(id);
    place().querySelector("h2").focus({ preventScroll: true });
    place().scrollIntoView({ block: "nearest" });
  };

  function back(focus) {
    const id = document.body.dataset.like;
    delete document.body.dataset.like;
    place().replaceChildren();
    if (focus) {
      const tile = [...document.querySelectorAll(".nv-columns [data-film]")].find(one => one.dataset.film === id);
      (from?.isConnected && from !== document.body ? from : tile?.querySelector("button"))?.focus();
    }
    from = null;
  }

  negviz.on("click", ".nv-alike", button => negviz.like(button.closest("[data-film]").dataset.film));
  negviz.on("click", "[data-back]", () => back(true));
  negviz.on("keydown", ".nv-like", (_, event) => { if (event.key === "Escape") back(true); });

  negviz.on("negviz:forget", "", () => { wide.clear(); if (document.body.dataset.like) back(false); });
  negviz.keep("more", () => [...wide].join("."), value => {
    for (const model of value.split(".")) {
      const button = buttonOf(model);
      if (button && !wide.has(model)) button.click();
    }
  });
  negviz.keep("like", () => document.body.dataset.like ?? "", id => negviz.like(id).catch(() => {}));
})();
