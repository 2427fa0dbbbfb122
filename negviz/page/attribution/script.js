/* The grids of heads: one stop for the tab key, arrow keys between squares, and the square that has focus or
   pointer said in words below its grid. */
"use strict";
(() => {
  const square = (event) => event.target.closest?.(".nv-heads button[data-head]");
  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  function say(event) {
    const button = square(event);
    if (!button) return;
    const says = button.closest("section").querySelector(".nv-head-says");
    if (says.textContent !== button.getAttribute("aria-label")) says.textContent = button.getAttribute("aria-label");
  }

  function move(event) {
    const button = square(event), by = MOVES[event.key];
    if (!button || !by) return;
    event.preventDefault();
    const { layer, head } = button.dataset;
    const next = button.closest("table").querySelector(
      `button[data-layer="${Number(layer) + by[0]}"][data-head="${Number(head) + by[1]}"]`);
    if (!next) return;
    button.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  document.addEventListener("focusin", say);
  document.addEventListener("pointerover", say);
  document.addEventListener("keydown", move);
})();
