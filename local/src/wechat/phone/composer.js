// The composer: text, the + panel with pictures and the card, and what could not be sent.
import * as chat from "/phone/chat.js";
import { element } from "/phone/message.js";
import { t } from "/phone/words.js";

const $ = (id) => document.getElementById(id);
const log = $("log");
const text = $("text");
const PICTURE_LIMIT = 2 * 1024 * 1024;

export const focus = () => text.focus({ preventScroll: true });

function resize() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  const isEmpty = text.value.trim() === "";
  $("send").hidden = isEmpty;
  $("plus").hidden = !isEmpty;
}

function send() {
  const content = text.value;
  if (content.trim() === "" || !chat.isOpen()) return;
  text.value = "";
  resize();
  focus();
  say(chat.current(), content);
}

/** Sends a text. One that cannot be sent is shown as unsent, and stays as the draft. */
async function say(where, content) {
  const sent = await chat.act("text", { content });
  if (chat.current() !== where) return;
  for (const line of log.querySelectorAll(".unsent")) if (line.dataset.unsent === content) line.remove();
  if (!sent) {
    unsent(where, content);
    if (text.value === "") text.value = content;
  }
  resize();
}

/** Sends an unsent text again. */
async function resend(where, content) {
  if (text.value === content) text.value = "";
  await say(where, content);
}

/** Shows a text that was not sent, with a button that sends it again. */
function unsent(where, content) {
  const again = element("button", { type: "button", className: "again", textContent: t("again"), onclick: () => resend(where, content) });
  const words = element("p", { className: "why" }, t("unsent"), again);
  const face = element("img", { className: "face", src: "/phone/visitor.svg", alt: "" });
  const who = element("span", { className: "sr", textContent: `${t("me")}：` });
  const column = element("div", { className: "column" }, who, element("div", { className: "bubble", textContent: content }), words);
  log.append(element("div", { className: "line sent failed unsent", data: { unsent: content } }, face, column));
  chat.toEnd();
}

function panel(isOpen) {
  $("panel").hidden = !isOpen;
  $("plus").setAttribute("aria-expanded", String(isOpen));
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

text.addEventListener("input", resize);
text.addEventListener("focus", () => panel(false));
text.addEventListener("keydown", (event) => {
  // During the composition of an input method, Enter selects a candidate. Safari then sends the key code 229 after the composition.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send();
});

$("plus").addEventListener("click", () => panel($("panel").hidden));

$("picture").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  panel(false);
  if (!file || !chat.isOpen()) return;
  if (file.size > PICTURE_LIMIT) return chat.toast(t("too_large"));
  const where = chat.current();
  const reader = new FileReader();
  reader.addEventListener("load", () => chat.current() === where && chat.act("image", { media_base64: reader.result }));
  reader.readAsDataURL(file);
});

/** The buttons that send the card of the contact button. */
export function cardOf(button) {
  const send = () => {
    $("prompt").hidden = true;
    panel(false);
    chat.act("card", chat.card(button));
    focus();
  };
  $("prompt-send").addEventListener("click", send);
  $("card").addEventListener("click", send);
}

$("prompt-close").addEventListener("click", () => {
  $("prompt").hidden = true;
  focus();
});
