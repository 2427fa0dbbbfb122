/* The lesson: votes and reveals on the page, and one step at a time for a projector.  Nothing is sent: a vote
   is aria-pressed on a button of this page. */
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
  }

  function show(step, open) {
    const button = step.querySelector("[data-lesson=show]");
    step.querySelector(".nv-answer").hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    mark(step);
  }

  /* After the reveal, the true answer and one's own say so in words. */
  function mark(step) {
    const open = !step.querySelector(".nv-answer").hidden;
    for (const button of step.querySelectorAll("[data-vote]")) {
      const right = open && button.dataset.vote === step.dataset.right;
      const yours = open && button.getAttribute("aria-pressed") === "true";
      const says = button.querySelector(".nv-vote-mark");
      says.textContent = [right && `✓ ${says.dataset.right}`, yours && says.dataset.yours].filter(Boolean).map((word) => ` · ${word}`).join("");
      button.classList.toggle("nv-right", right);
    }
  }

  async function qr(step, button) {
    const box = step.querySelector(".nv-qr");
    const open = box.hidden;
    button.setAttribute("aria-expanded", String(open));
    box.hidden = !open;
    if (open) await negviz.qr(box, JSON.parse(step.dataset.asked), box.dataset.local);
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
