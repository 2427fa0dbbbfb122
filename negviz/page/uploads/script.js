/* Own films: sent one after another to the server, which keeps them in memory; what they are to the sentence
   is then shown by gradio.  Nothing is stored in the browser. */
"use strict";
(() => {
  const MOST = 500;
  let stop = null; // aborts the file that is on its way

  const part = (name) => document.querySelector(`.nv-own-${name}`);
  const { fill } = negviz;

  function refuse(name, why) {
    const item = document.createElement("li");
    item.textContent = `${name}: ${why}`;
    const list = part("problems");
    list.querySelector("ul").append(item);
    list.hidden = false;
  }

  async function* lines(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const whole = (rest + value).split("\n");
      rest = whole.pop();
      for (const line of whole) yield JSON.parse(line);
    }
  }

  async function send(file, purpose, signal, step) {
    const response = await fetch("own/film", {
      method: "POST",
      body: file,
      signal,
      headers: {
        "Content-Type": "application/octet-stream",
        "X-Negviz-Shelf": part("shelf").dataset.shelf,
        "X-Negviz-Name": encodeURIComponent(file.name.toWellFormed ? file.name.toWellFormed() : file.name),
        "X-Negviz-As": purpose,
      },
    });
    if (!response.ok) throw new Error(await response.text());
    for await (const line of lines(response)) step(line);
  }

  async function open(files, purpose, words) {
    const began = performance.now();
    const count = { good: 0, bad: 0 };
    const abort = (stop = new AbortController());
    negviz.progress(part("progress"), words, 0, files.length, began);
    for (const [at, file] of files.entries()) {
      await send(file, purpose, abort.signal, ({ name, problem, done, of }) => {
        count[problem ? "bad" : "good"] += 1;
        if (problem) refuse(name, problem);
        // files of a zip are counted one by one, where there is nothing else
        if (files.length === 1) negviz.progress(part("progress"), words, done, of, began);
        else negviz.progress(part("progress"), words, at + done / of, files.length, began);
      });
    }
    return fill(words.done, count);
  }

  function busy(is) {
    part("progress").hidden = !is;
    for (const input of document.querySelectorAll("[data-own]")) input.disabled = is;
  }

  negviz.on("change", "[data-own]", async (input) => {
    if (!input.files.length) return;
    const words = JSON.parse(input.closest(".nv-own").dataset.words);
    const visible = [...input.files].filter((file) => !file.name.startsWith("."));
    const files = visible.slice(0, MOST);
    const purpose = input.dataset.own;
    input.value = "";
    part("problems").hidden = true;
    part("problems").querySelector("ul").replaceChildren();
    part("said").textContent = "";
    busy(true);
    let said;
    try {
      said = await open(files, purpose, words);
      if (visible.length > MOST) said += ` ${words.tooMany}`;
    } catch (error) {
      // a sentence of the server's, or the network's own words, which say nothing to a visitor
      said = error.name === "AbortError" ? words.stopped : error instanceof TypeError ? words.failed : error.message;
    }
    busy(false);
    part("said").textContent = said;
    input.focus();
    if (!stop?.signal.aborted) document.querySelector("button.nv-own-show")?.click();
    stop = null;
  });

  negviz.on("click", "button.nv-own-delete", () => {
    stop?.abort();
    part("said").textContent = "";
    part("problems").hidden = true;
    part("problems").querySelector("ul").replaceChildren();
  });
})();
