/* The grids of heads: one stop for the tab key, arrow keys between squares, and the square that has focus or
   pointer said in words below its grid. */
"use strict";
(() => {
  const SQUARE = ".nv-heads button[data-head]";
  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  function say(button) {
    const says = button.closest("section").querySelector(".nv-head-says");
    if (says.textContent !== button.getAttribute("aria-label")) says.textContent = button.getAttribute("aria-label");
  }

  function move(button, event) {
    const by = MOVES[event.key];
    if (!by) return;
    event.preventDefault();
    const { layer, head } = button.dataset;
    const next = button.closest("table").querySelector(
      `button[data-layer="${Number(layer) + by[0]}"][data-head="${Number(head) + by[1]}"]`);
    if (!next) return;
    button.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  negviz.on("focusin", SQUARE, say);
  negviz.on("pointerover", SQUARE, say);
  negviz.on("keydown", SQUARE, move);
})();
