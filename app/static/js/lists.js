// What script adds to Elevadgang's lists: how many are ticked, all at once, and paper.
(() => {
  "use strict";

  function countTicks(form) {
    const button = form.querySelector("[data-count-none]");
    const n = form.querySelectorAll(".tick:checked").length;
    const { countNone, countOne, countMany } = button.dataset;
    button.textContent = n > 1 ? countMany.replace("{n}", n) : n ? countOne : countNone;
  }
  const countAll = () => document.querySelectorAll("[data-ticks]").forEach(countTicks);

  addEventListener("change", (event) => {
    const form = event.target.closest("[data-ticks]");
    if (form) countTicks(form);
  });
  addEventListener("click", (event) => {
    if (event.target.closest?.("[data-print]")) print();
    const link = event.target.closest?.("[data-tick-all]");
    if (!link) return;
    event.preventDefault();
    const form = link.closest("form");
    const boxes = [...form.querySelectorAll(".tick:enabled")];
    const isOn = boxes.some((box) => !box.checked);
    boxes.forEach((box) => { box.checked = isOn; });
    countTicks(form);
  });
  // What was given is no longer to be given; a press that was refused brings its ticks back by itself.
  addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.successful || !detail.elt.matches("form[data-ticks]")) return;
    detail.elt.querySelectorAll(".tick:checked").forEach((box) => { box.checked = false; });
    countTicks(detail.elt);
  });
  addEventListener("htmx:load", countAll);
  countAll();
})();
