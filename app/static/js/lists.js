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
  addEventListener("htmx:load", countAll);
  countAll();
})();
