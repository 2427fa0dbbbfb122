/* A click on a tile selects its film everywhere; Escape lets it go. */
"use strict";
(() => {
  negviz.on("click", "[data-film] .nv-pick", pick => negviz.select(pick.closest("[data-film]").dataset.film));
  negviz.on("keydown", ".nv-columns", (_, event) => {
    if (event.key === "Escape" && negviz.selected) negviz.select("");
  });
})();
