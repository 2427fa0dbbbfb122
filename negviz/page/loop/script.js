/* The loop: scenes follow one another by themselves while it is seen, unless less motion is asked for or it is paused.
   A GIF of it is made by the server, for whoever asks. */
"use strict";
(() => {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let at = 0;
  let playing = !still.matches;
  let timer = 0;

  const loop = () => document.querySelector("[data-loop]");
  const scenes = () => [...loop().querySelectorAll(".nv-scene")];
  const button = does => loop().querySelector(`[data-loop-does=${does}]`);

  function show(to) {
    const all = scenes();
    at = (to + all.length) % all.length;
    for (const [place, scene] of all.entries()) scene.classList.toggle("nv-now", place === at);
    loop().querySelector(".nv-loop-place").textContent = negviz.fill(loop().dataset.place, { at: at + 1, of: all.length });
  }

  function wait() {
    clearTimeout(timer);
    if (!loop()) return;
    button("play").textContent = playing ? loop().dataset.pause : loop().dataset.play;
    if (!playing) return;
    timer = setTimeout(() => {
      if (loop()?.checkVisibility() && !document.hidden) show(at + 1);
      wait();
    }, (1000 * Number(loop().dataset.seconds)) / scenes().length);
  }

  function play(on) {
    playing = on;
    wait();
  }

  negviz.saveLoop = async asked => {
    const made = await negviz.post("page/loop", { asked, page: negviz.here() });
    return negviz.save(await made.blob(), "negviz-loop.gif");
  };

  async function save() {
    const said = loop().querySelector(".nv-loop-said");
    const says = document.querySelector(".nv-share").dataset;
    said.textContent = says.sayWorking;
    try {
      said.textContent = says.saySaved.replace("{name}", await negviz.saveLoop(JSON.parse(loop().dataset.asked)));
    } catch (error) {
      said.textContent = error.message || says.sayFailed;
    }
  }

  const pressed = {
    play: () => play(!playing),
    back: () => { play(false); show(at - 1); },
    next: () => { play(false); show(at + 1); },
    save,
  };
  negviz.on("click", "[data-loop-does]", one => pressed[one.dataset.loopDoes]());
  negviz.mounted("[data-loop]", () => { show(0); wait(); });
  negviz.on("negviz:unfold", "", (_, event) => { if (event.detail.name === "loop" && loop()) { show(0); wait(); } });
  still.addEventListener("change", () => play(!still.matches));
})();
