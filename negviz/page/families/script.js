/* Another family of models is another page: go there, and take the sentence along. */
(() => {
  negviz.on("change", "#nv-family", (select) => {
    const asked = document.querySelector(".nv-share")?.dataset.fragment ?? "";
    location.assign(new URL(select.value, document.baseURI.split("#")[0]).href.split("#")[0] + asked);
  });

  /* Coming back, a browser shows what was chosen when the page was left. */
  addEventListener("pageshow", () => {
    const select = document.getElementById("nv-family");
    if (select) select.selectedIndex = [...select.options].findIndex((option) => option.defaultSelected);
  });
})();
