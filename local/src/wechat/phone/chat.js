// The chat and the composer.

import { address, bubble, element } from "/phone/message.js";
import * as wechat from "/phone/wechat.js";

const $ = (id) => document.getElementById(id);
const log = $("log");
const text = $("text");
const PAUSE = 5 * 60 * 1000;
const PICTURE_LIMIT = 2 * 1024 * 1024;

// Whether the newest message is visible. If so, it stays visible when the keyboard or the composer opens.
let atEnd = true;
log.addEventListener("scroll", () => { atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80; });
new ResizeObserver(() => { if (atEnd) toEnd(); }).observe(log);

function toEnd() {
  log.scrollTop = log.scrollHeight;
}

let open = null; // { app, visitor, shown, last, abort }

const clock = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat("zh-CN", { month: "numeric", day: "numeric" });

function when(date) {
  const today = date.toDateString() === new Date().toDateString();
  return today ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

/** Opens the chat with the attributes of a contact button. */
export function enter(button, app, visitor) {
  leave();
  log.replaceChildren();
  open = { app, visitor, shown: 0, last: 0, abort: new AbortController() };
  act("enter", { session_from: button.getAttribute("session-from") ?? "" });
  offer(button);
  follow(open);
  text.focus({ preventScroll: true });
}

export function leave() {
  open?.abort.abort();
  open = null;
  $("prompt").hidden = true;
}

/** The card prompt of `show-message-card`. */
function offer(button) {
  $("prompt").hidden = button.getAttribute("show-message-card") !== "true";
  const card = {
    title: button.getAttribute("send-message-title") ?? "",
    page_path: button.getAttribute("send-message-path") ?? "",
    thumb_url: button.getAttribute("send-message-img") ?? "",
  };
  $("prompt-title").textContent = card.title;
  $("prompt-img").src = address(card.thumb_url) ?? "/phone/cover.png";
  $("prompt-send").onclick = () => {
    $("prompt").hidden = true;
    act("card", { ...card, thumb_url: address(card.thumb_url) ?? "" });
    text.focus({ preventScroll: true });
  };
}

async function act(kind, body) {
  const { app, visitor } = open;
  atEnd = true; // show the message that is sent
  try {
    await wechat.act(visitor.openid, kind, { app_id: app.app_id, ...body });
    return true;
  } catch (error) {
    toast(`没有发出去：${error.message}`);
    return false;
  }
}

/** Shows the chat and its changes until it is closed. */
async function follow(chat) {
  let revision = null;
  while (open === chat) {
    try {
      const news = await wechat.messages(chat.visitor.openid, chat.app.app_id, revision, chat.abort.signal);
      if (open !== chat) return;
      revision = news.revision;
      show(chat, news);
    } catch {
      if (open !== chat) return;
      $("typing").textContent = "连接已断开，正在重连…";
      $("chat").classList.add("is-typing");
      await new Promise((resume) => setTimeout(resume, 1000));
    }
  }
}

function show(chat, { items, typing, quota_left: quota }) {
  for (const item of items.slice(chat.shown)) append(chat, item);
  for (const item of items) settle(item);
  chat.shown = items.length;
  $("typing").textContent = typing ? "对方正在输入…" : "";
  $("chat").classList.toggle("is-typing", typing);
  document.querySelector("[data-fact=quota]").textContent = `${quota} 条`;
  if (atEnd) toEnd();
}

function append(chat, item) {
  const at = new Date(item.created_at);
  if (item.direction === "notice") {
    log.append(element("p", { className: "notice", textContent: item.text.content }));
    return;
  }
  const body = bubble(item, chat.app.name);
  if (!body) return;
  if (at - chat.last > PAUSE) {
    log.append(element("p", { className: "time" }, element("time", { dateTime: item.created_at, textContent: when(at) })));
  }
  chat.last = at;
  const sent = item.direction === "sent";
  const who = sent ? "我" : chat.app.name;
  const face = sent
    ? element("img", { className: "face", src: "/phone/visitor.svg", alt: "" })
    : element("span", { className: "face", ariaHidden: "true", textContent: chat.app.name.slice(0, 1) });
  const column = element("div", { className: "column" }, element("span", { className: "sr", textContent: `${who}：` }), body);
  if (item.is_ai_msg) column.append(element("p", { className: "ai", textContent: "内容由第三方AI生成" }));
  log.append(element("div", { className: `line ${item.direction}`, data: { item: item.id } }, face, column));
  // A picture gets its height when it is loaded. Stay at the end then.
  for (const image of column.querySelectorAll("img")) {
    image.addEventListener("load", () => { if (atEnd) toEnd(); }, { once: true });
  }
}

/** Marks messages that were not delivered. */
function settle(item) {
  if (item.direction !== "sent" || item.delivered !== false) return;
  log.querySelector(`[data-item="${item.id}"]`)?.classList.add("failed");
}

let toastTimer;

export function toast(words) {
  $("toast").textContent = words;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").textContent = ""; }, 3500);
}

function resize() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  $("send").disabled = text.value.trim() === "";
}

function send() {
  const content = text.value;
  if (content.trim() === "" || !open) return;
  text.value = "";
  resize();
  text.focus({ preventScroll: true });
  say(open, content);
}

/** Sends a text. One that cannot be sent is shown as unsent, and stays as the draft. */
async function say(chat, content) {
  const sent = await act("text", { content });
  if (open !== chat) return;
  for (const line of log.querySelectorAll(".unsent")) if (line.dataset.unsent === content) line.remove();
  if (!sent) {
    unsent(chat, content);
    if (text.value === "") text.value = content;
  }
  resize();
}

/** Sends an unsent text again. */
async function resend(chat, content) {
  if (text.value === content) text.value = "";
  await say(chat, content);
}

/** Shows a text that was not sent, with a button that sends it again. */
function unsent(chat, content) {
  const again = element("button", { type: "button", className: "again", textContent: "重发", onclick: () => resend(chat, content) });
  const words = element("p", { className: "why" }, "没有发出去，", again);
  const face = element("img", { className: "face", src: "/phone/visitor.svg", alt: "" });
  const who = element("span", { className: "sr", textContent: "我：" });
  const column = element("div", { className: "column" }, who, element("div", { className: "bubble", textContent: content }), words);
  log.append(element("div", { className: "line sent failed unsent", data: { unsent: content } }, face, column));
  toEnd();
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

text.addEventListener("input", resize);
text.addEventListener("keydown", (event) => {
  // During the composition of an input method, Enter selects a candidate. Safari then sends the key code 229 after the composition.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send();
});

$("picture").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file || !open) return;
  if (file.size > PICTURE_LIMIT) return toast("图片不能超过 2 MB");
  const reader = new FileReader();
  reader.addEventListener("load", () => open && act("image", { media_base64: reader.result }));
  reader.readAsDataURL(file);
});

$("prompt-close").addEventListener("click", () => {
  $("prompt").hidden = true;
  text.focus({ preventScroll: true });
});

log.addEventListener("click", (event) => {
  const page = event.target.closest("[data-page]")?.dataset.page;
  if (page) toast(`打开小程序页面 ${page}`);
});
