// Up to three phones and their controls, alone (`/`) or beside the workbench (`/desk`).
import { controls } from "/phone/controls.js";
import { element } from "/phone/message.js";
import * as visitors from "/phone/visitor.js";
import * as wechat from "/phone/wechat.js";
import { t, translate } from "/phone/words.js";

const $ = (id) => document.getElementById(id);
const PHONES_MAX = 3;
const isDesk = location.pathname === "/desk" && document.body.dataset.console !== "";
const api = document.body.dataset.console;

let slots = JSON.parse(localStorage.getItem("phone.slots") ?? "[1]");
let selected = slots[0];
/** What each phone has told. */
const told = new Map();

function phone(slot) {
  const { nickname } = visitors.visitor(slot);
  return element("iframe", { src: `/phone?slot=${slot}`, title: t("phone_of", { name: nickname }), allow: "clipboard-write", data: { slot } });
}

function tab(slot) {
  const { nickname } = visitors.visitor(slot);
  const select = element("button", { type: "button", textContent: nickname || "—", onclick: () => choose(slot) });
  select.className = "visitor";
  select.setAttribute("aria-pressed", String(slot === selected));
  select.dir = "auto";
  const remove = element("button", { type: "button", className: "remove", textContent: "×", onclick: () => drop(slot) });
  remove.setAttribute("aria-label", t("remove_visitor", { name: nickname }));
  return slots.length > 1 ? [select, remove] : [select];
}

function render() {
  localStorage.setItem("phone.slots", JSON.stringify(slots));
  $("visitors").replaceChildren(...slots.flatMap(tab));
  $("add").hidden = slots.length >= PHONES_MAX;
  for (const slot of slots) if (!$("frames").querySelector(`[data-slot="${slot}"]`)) $("frames").append(phone(slot));
  for (const frame of [...$("frames").children]) {
    const slot = Number(frame.dataset.slot);
    if (!slots.includes(slot)) frame.remove();
    frame.classList.toggle("selected", slot === selected);
    frame.title = t("phone_of", { name: visitors.visitor(slot).nickname });
  }
  panel.show(told.get(selected));
}

function choose(slot) {
  selected = slot;
  render();
  [...$("visitors").children].find((node) => node.getAttribute("aria-pressed") === "true")?.focus();
}

function drop(slot) {
  slots = slots.filter((other) => other !== slot);
  visitors.forget(slot);
  told.delete(slot);
  if (selected === slot) selected = slots[0];
  render();
}

$("add").addEventListener("click", () => {
  const free = [1, 2, 3].find((slot) => !slots.includes(slot));
  slots = [...slots, free].sort();
  choose(free);
});

// A phone tells only the page around it, which is this one.
addEventListener("message", ({ origin, data }) => {
  if (origin !== location.origin || data?.kefu !== "phone") return;
  const before = told.get(data.slot);
  told.set(data.slot, data);
  if (before?.nickname !== data.nickname) render();
  else if (data.slot === selected) panel.show(data);
});

/** Shows a page of the workbench: in its frame, or in a tab of its own. */
function showConsole(url) {
  if (!isDesk) return open(url, "_blank", "noopener");
  $("console").src = url;
  pane("console");
}

// In a small window the workbench and the phones take turns.
function pane(name) {
  document.body.dataset.pane = name;
  for (const button of $("panes").children) button.setAttribute("aria-pressed", String(button.dataset.pane === name));
}

for (const button of $("panes").children) button.addEventListener("click", () => pane(button.dataset.pane));
for (const [id, isOpen] of [["open-controls", true], ["close-controls", false]]) {
  $(id).addEventListener("click", () => {
    document.body.classList.toggle("with-controls", isOpen);
    $(isOpen ? "close-controls" : "open-controls").focus();
  });
}
addEventListener("keydown", ({ key }) => key === "Escape" && document.body.classList.remove("with-controls"));

async function begin() {
  document.body.dataset.view = isDesk ? "desk" : "phones";
  const view = $("view");
  view.href = isDesk ? "/" : "/desk";
  view.textContent = t(isDesk ? "only_phones" : "beside");
  $("alone").href = api;
  view.hidden = $("alone").hidden = api === "";
  if (!isDesk) return;
  $("panes").hidden = $("console").hidden = false;
  $("console").title = t("workbench");
  pane("console");
  // The code is used once. It leaves the address and the history before anything else.
  const code = location.hash.startsWith("#sign-in=") ? location.hash : "";
  if (code) {
    history.replaceState(null, "", location.pathname);
    await wechat.beginDemo().catch(() => {});
  }
  $("console").src = `${api}/${code}`;
}

translate();
const panel = controls(showConsole);
render();
await begin();
