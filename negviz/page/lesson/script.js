/* The lesson: votes and reveals on the page, and one step at a time for a projector.  A vote is aria-pressed on
   a button of this page; it is sent only by those who followed the code of somebody who presents. */
"use strict";
(() => {
  const lesson = () => document.querySelector(".nv-lesson");
  const steps = () => [...lesson().querySelectorAll(".nv-step")];
  const presenting = () => document.querySelector(".nv-lesson.nv-presenting");
  let at = 0;
  let hidden = []; // what was made inert to present

  function vote(step, place) {
    for (const button of step.querySelectorAll("[data-vote]")) {
      button.setAttribute("aria-pressed", String(button.dataset.vote === place));
    }
    mark(step);
    if (joined) cast(step, Number(place));
  }

  /* Votes by phone: who presents opens a room, whose name is in the codes that phones read. */
  const VOTES = "page/lesson/votes";
  const OFTEN = 2_000; // milliseconds between two looks at the counts
  const counted = new Map(); // by place of a step, the votes for each of its options
  const voter = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  let room = "";
  let joined = false; // it is somebody else's
  let again = 0; // the timer of the next look

  async function votes(asked) { return (await negviz.post(VOTES, asked)).json(); }

  function say(step, key) {
    const all = counted.get(steps().indexOf(step)) ?? [];
    const said = negviz.fill(JSON.parse(lesson().dataset.room)[key], { votes: all.reduce((sum, n) => sum + n, 0) });
    const line = step.querySelector(".nv-room");
    if (line.textContent !== said) line.textContent = said;
  }

  async function open() {
    if (joined) return;
    try { room ||= negviz.here() && (await votes({ open: true })).room; } catch { /* this page counts no votes */ }
    if (!room) return steps().forEach((step) => say(step, "hands"));
    look();
  }

  async function look() {
    clearTimeout(again);
    if (!presenting()) return;
    const place = at;
    try { counted.set(place, (await votes({ room, step: place })).counts); } catch { /* the next look may reach it */ }
    const step = steps()[place];
    say(step, "phones");
    mark(step);
    again = setTimeout(look, OFTEN);
  }

  async function cast(step, vote) {
    const place = steps().indexOf(step);
    try {
      counted.set(place, (await votes({ room, step: place, vote, voter })).counts);
      say(step, "counted");
    } catch {
      say(step, "lost");
    }
  }

  negviz.keep("lesson", () => "", (code) => {
    [room, joined] = [code, true];
    [...document.querySelectorAll("[role=tab]")].find((tab) => tab.textContent.trim() === "Lesson").click();
  });
  negviz.mounted(".nv-lesson", () => { if (joined) steps().forEach((step) => say(step, "joined")); });

  function show(step, open) {
    const button = step.querySelector("[data-lesson=show]");
    step.querySelector(".nv-answer").hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    mark(step);
  }

  /* After the reveal, the true answer and one's own say so in words. */
  function mark(step) {
    const open = !step.querySelector(".nv-answer").hidden;
    const votes = open && !joined ? counted.get(steps().indexOf(step)) : null; // nobody follows the others
    for (const button of step.querySelectorAll("[data-vote]")) {
      const right = open && button.dataset.vote === step.dataset.right;
      const yours = open && button.getAttribute("aria-pressed") === "true";
      const says = button.querySelector(".nv-vote-mark");
      says.textContent = [votes && String(votes[button.dataset.vote]), right && `✓ ${says.dataset.right}`, yours && says.dataset.yours].filter(Boolean).map((word) => ` · ${word}`).join("");
      button.classList.toggle("nv-right", right);
    }
  }

  async function qr(step, button) {
    const box = step.querySelector(".nv-qr");
    const open = box.hidden;
    button.setAttribute("aria-expanded", String(open));
    box.hidden = !open;
    const further = room && !joined ? `&lesson=${room}` : "";
    if (open) await negviz.qr(box, JSON.parse(step.dataset.asked), box.dataset.local, further);
  }

  function go(to) {
    at = Math.max(0, Math.min(steps().length - 1, to));
    for (const [place, step] of steps().entries()) step.classList.toggle("nv-now", place === at);
    const bar = lesson().querySelector(".nv-lesson-bar");
    bar.querySelector("[data-lesson=back]").disabled = at === 0;
    bar.querySelector("[data-lesson=next]").disabled = at === steps().length - 1;
    lesson().scrollTop = 0;
    steps()[at].querySelector("h3").focus();
  }

  function present() {
    const stage = lesson();
    for (let node = stage; node !== document.body; node = node.parentElement) {
      for (const other of node.parentElement.children) {
        if (other === node || other.inert) continue;
        other.inert = true;
        hidden.push(other);
      }
    }
    stage.classList.add("nv-presenting");
    stage.requestFullscreen?.().catch(() => {}); // without it the stage fills the window
    go(at);
    open();
  }

  function leave() {
    const stage = presenting();
    if (!stage) return;
    stage.classList.remove("nv-presenting");
    for (const other of hidden) other.inert = false;
    hidden = [];
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    stage.querySelector("[data-lesson=present]").focus();
    steps()[at].scrollIntoView({ block: "nearest" });
  }

  function toggle(step) {
    show(step, step.querySelector(".nv-answer").hidden);
  }

  const pressed = {
    show: (button) => toggle(button.closest(".nv-step")),
    qr: (button) => qr(button.closest(".nv-step"), button),
    present,
    leave,
    back: () => go(at - 1),
    next: () => go(at + 1),
    reveal: () => toggle(steps()[at]),
  };

  negviz.on("click", ".nv-lesson button", (button) => {
    if (button.dataset.vote) vote(button.closest(".nv-step"), button.dataset.vote);
    else pressed[button.dataset.lesson]?.(button);
  });

  negviz.on("keydown", "", (_, event) => {
    if (!presenting() || event.ctrlKey || event.altKey || event.metaKey) return;
    const onButton = event.target.closest?.("button, a") !== null;
    if (event.key === "PageDown" || event.key === "ArrowRight") go(at + 1);
    else if (event.key === "PageUp" || event.key === "ArrowLeft") go(at - 1);
    else if (event.key === " " && !onButton) toggle(steps()[at]);
    else if (event.key === "Escape") leave();
    else if (["1", "2", "3"].includes(event.key)) vote(steps()[at], String(Number(event.key) - 1));
    else return;
    event.preventDefault();
  });

  negviz.on("fullscreenchange", "", () => {
    if (!document.fullscreenElement) leave(); // Escape in full screen reaches nobody else
  });
})();
