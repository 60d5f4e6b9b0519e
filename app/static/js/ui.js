// What script adds to pages that work without it: focus and spoken messages after a swap, picture taps that
// need no round trip, and small comforts. Everything listens on the document, so that it outlives every swap.
(() => {
  "use strict";
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // One polite region outside the block. Emptied first, so that the same words are spoken twice.
  let saying;
  function say(text, shown = false) {
    const live = find("#live");
    if (!live) return;
    live.textContent = "";
    live.classList.toggle("is-shown", shown);
    clearTimeout(saying);
    if (text) saying = setTimeout(() => { live.textContent = text; }, 60);
  }

  // ---- A new step: where the reader is taken ----

  let screen = find("#screen");
  function arrive() {
    const now = find("#screen");
    if (!now || now === screen) return;
    screen = now;
    say("");
    scrollTo(0, 0);
    let target = find("[autofocus]", now);
    if (!target) {
      target = find("h1", now);
      target?.setAttribute("tabindex", "-1");
    }
    target?.focus();
  }

  // ---- One press, one request ----

  const release = (form) => form.removeAttribute("aria-busy");

  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.getAttribute("aria-busy")) event.preventDefault();
    else form.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", (event) => { if (event.persisted) all("form[aria-busy]").forEach(release); });

  addEventListener("htmx:beforeRequest", (event) => {
    const source = event.detail.elt;
    if (document.hidden && /\bevery\b/.test(source.getAttribute("hx-trigger"))) return event.preventDefault();
    if (source.matches("form")) {
      source.setAttribute("aria-busy", "true");
      say("");
    }
  });
  addEventListener("htmx:afterRequest", (event) => release(event.detail.elt));
  // An error that a proxy made up is no page of ours: it is told of, and the screen stays.
  addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status < 400 || detail.xhr.getResponseHeader("X-Request-Id")) return;
    detail.shouldSwap = false;
    detail.isError = true;
  });
  addEventListener("htmx:sendError", () => say(find("#live")?.dataset.offline, true));
  addEventListener("htmx:timeout", () => say(find("#live")?.dataset.offline, true));
  addEventListener("htmx:responseError", () => say(find("#live")?.dataset.problem, true));
  addEventListener("htmx:afterSettle", arrive);

  // ---- Show password ----

  function swapWord(button) {
    const word = find("[data-swap]", button);
    [word.textContent, word.dataset.swap] = [word.dataset.swap, word.textContent];
  }
  function turn(button, shown) {
    const input = document.getElementById(button.getAttribute("aria-controls"));
    if ((input.type === "text") === shown) return;
    input.type = shown ? "text" : "password";
    swapWord(button);
  }
  const isShown = (button) => document.getElementById(button.getAttribute("aria-controls")).type === "text";
  // Sent as a password field, so that the browser offers to keep it and never lists it as ordinary text.
  addEventListener("submit", (event) => all("[data-reveal]", event.target).forEach((button) => turn(button, false)), true);

  // ---- Picture passwords: the slots are the only memory ----

  const picks = (form) => all("[data-id]", form).map((one) => one.dataset.id);

  function count(form) {
    const slots = find("[data-slots]", form);
    const chosen = picks(form);
    const text = slots.dataset.count.replace("{n}", chosen.length);
    slots.setAttribute("aria-label", text);
    find("[data-few]", form).hidden = true;
    all("[name=pick]", form).forEach((tile) => tile.classList.toggle("is-picked", chosen.includes(tile.value)));
    say(text);
  }

  // A picture is in a code once only, so a second tap on it is a child's double tap.
  function pick(form, tile) {
    const chosen = picks(form);
    if (chosen.length > 3 || chosen.includes(tile.value)) return;
    const holder = document.createElement("span");
    holder.dataset.id = tile.value;
    holder.append(find("svg", tile).cloneNode(true));
    all("[data-slots] > span", form)[chosen.length].append(holder);
    count(form);
  }

  function undo(form) {
    all("[data-id]", form).pop()?.remove();
    count(form);
  }

  // True when the code is whole and may be sent.
  function finish(form) {
    const chosen = picks(form);
    const few = find("[data-few]", form);
    few.hidden = chosen.length === 4;
    if (!few.hidden) say(few.textContent);
    form.elements.code.value = few.hidden ? chosen.join() : "";
    return few.hidden;
  }

  // ---- An assigned password: hidden after a while ----

  function hideLater(secret) {
    setTimeout(() => {
      show(secret, false);
      if (secret.isConnected) say(secret.dataset.hiddenText);
    }, secret.dataset.secret * 1000);
  }
  function show(secret, shown) {
    const body = find("[data-secret-body]", secret);
    const again = find("[data-secret-again]", secret);
    const hadFocus = again.contains(document.activeElement);
    body.hidden = !shown;
    again.hidden = shown;
    if (!shown) return;
    if (hadFocus) {
      secret.setAttribute("tabindex", "-1");
      secret.focus();
    }
    hideLater(secret);
  }

  // ---- Rules of a chosen password ----

  let telling;
  function checkRules(input) {
    const list = find(`[data-rules="${input.id}"]`);
    if (!list) return;
    const rules = all("[data-pattern]", list);
    let met = 0;
    for (const rule of rules) {
      const ok = new RegExp(rule.dataset.pattern, "u").test(input.value);
      met += ok;
      rule.classList.toggle("is-met", ok);
      rule.classList.remove("is-broken");
      find(".rule-state", rule).textContent = ok ? list.dataset.met : "";
    }
    clearTimeout(telling);
    const text = list.dataset[met < rules.length ? "count" : "all"];
    telling = setTimeout(() => list.isConnected && say(text.replace("{n}", met).replace("{total}", rules.length)), 900);
  }

  // ---- Reading aloud, with a voice that is on the device: nothing is sent to anyone ----

  const voice = () => speechSynthesis.getVoices().find(
    (one) => one.localService && one.lang.slice(0, 2) === document.documentElement.lang.slice(0, 2));
  function offerVoice(root = document) {
    if ("speechSynthesis" in window) all("[data-listen]", root).forEach((one) => { one.hidden = !voice(); });
  }
  if ("speechSynthesis" in window) speechSynthesis.addEventListener?.("voiceschanged", () => offerVoice());
  function speak(text) {
    const words = new SpeechSynthesisUtterance(text);
    words.voice = voice();
    words.lang = words.voice.lang;
    speechSynthesis.cancel();
    speechSynthesis.speak(words);
  }

  // ---- A link to hand on ----

  function copy(button) {
    navigator.clipboard?.writeText(button.dataset.copy).then(() => {
      swapWord(button);
      say(find("span", button).textContent);
      setTimeout(() => swapWord(button), 3000);
    });
  }

  // ---- Presses ----

  // «Skriv i stedet»: straight to the field, once the browser has opened it.
  addEventListener("click", (event) => {
    const box = event.target.closest?.(".pictures + details > summary")?.parentNode;
    if (box && !box.open) setTimeout(() => find("[name=typed]", box).focus());
  });

  addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    if (!button) return;
    const data = button.dataset;
    const form = button.closest("[data-pictures]");
    if ("reveal" in data) turn(button, !isShown(button));
    else if ("speak" in data) speak(data.speak);
    else if ("copy" in data) copy(button);
    else if ("printGuide" in data) print();
    else if ("hideSlots" in data) {
      form.classList.toggle("is-covered");
      swapWord(button);
    } else if (button.closest("[data-secret-again]")) show(button.closest("[data-secret]"), true);
    else if (form && button.name === "pick") {
      event.preventDefault();
      pick(form, button);
    } else if (form && button.name === "undo") {
      event.preventDefault();
      undo(form);
    } else if (form && button.name === "login" && !finish(form)) event.preventDefault();
  }, true);

  addEventListener("input", (event) => checkRules(event.target));

  addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && find("details.language[open]");
    if (!open) return;
    open.open = false;
    find("summary", open).focus();
  });

  // ---- What each new piece of page needs ----

  function prepare(root) {
    all("[data-script]:not([data-ready])", root).forEach((one) => {
      one.hidden = false;
      one.dataset.ready = "";
    });
    all("[data-secret]:not([data-ready])", root).forEach((one) => {
      one.dataset.ready = "";
      hideLater(one);
    });
    all("[data-more-time]:not([data-ready])", root).forEach((one) => {
      one.dataset.ready = "";
      setTimeout(() => {
        if (!one.isConnected) return;
        one.hidden = false;
        say(find("p", one).textContent);
      }, one.dataset.moreTime * 1000);
    });
    offerVoice(root);
  }
  prepare(document);
  addEventListener("htmx:load", () => prepare(document));
})();
