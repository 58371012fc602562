// The chat: what was said, and what the visitor does.
import { address, bubble, element } from "/phone/message.js";
import { language, t } from "/phone/words.js";
import * as wechat from "/phone/wechat.js";

const $ = (id) => document.getElementById(id);
const log = $("log");
const PAUSE = 5 * 60 * 1000;
/** WeChat's words for a push that did not arrive, as the simulator says them. */
const APOLOGY = "该小程序客服暂时无法提供服务，请稍后再试";

// Whether the newest message is visible. If so, it stays visible when the keyboard or the composer opens.
let atEnd = true;
log.addEventListener("scroll", () => { atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80; });
new ResizeObserver(() => { if (atEnd) toEnd(); }).observe(log);

export function toEnd() {
  log.scrollTop = log.scrollHeight;
}

let open = null; // { app, visitor, shown, last, abort }
let onNews = () => {};

/** Calls `news(chat, answer)` whenever the chat has changed. */
export function listen(news) {
  onNews = news;
}

export const isOpen = () => open !== null;
/** The chat that is open, to see later whether it still is. */
export const current = () => open;

const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(language, { month: "numeric", day: "numeric" });

function when(date, now) {
  return date.toDateString() === now.toDateString() ? time.format(date) : `${day.format(date)} ${time.format(date)}`;
}

/** Opens the chat with the attributes of a contact button. */
export function enter(button, app, visitor) {
  leave();
  log.replaceChildren();
  open = { app, visitor, shown: 0, last: 0, abort: new AbortController() };
  act("enter", { session_from: button.getAttribute("session-from") ?? "" });
  offer(button);
  follow(open);
}

export function leave() {
  open?.abort.abort();
  open = null;
  $("prompt").hidden = true;
}

/** The card of the button, as a message. */
export function card(button) {
  return {
    title: button.getAttribute("send-message-title") ?? "",
    page_path: button.getAttribute("send-message-path") ?? "",
    thumb_url: address(button.getAttribute("send-message-img") ?? "") ?? "",
  };
}

/** The card prompt of `show-message-card`. */
function offer(button) {
  $("prompt").hidden = button.getAttribute("show-message-card") !== "true";
  const { title, thumb_url: thumb } = card(button);
  $("prompt-title").textContent = title;
  $("prompt-img").src = thumb || "/phone/cover.png";
}

/** Does what a visitor can do. Returns whether it worked; if not, it says why. */
export async function act(kind, body) {
  const { app, visitor } = open;
  atEnd = true; // show the message that is sent
  try {
    await wechat.act(visitor.openid, kind, { app_id: app.app_id, ...body });
    return true;
  } catch (error) {
    toast(t("not_sent", { why: error.message }));
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
      $("typing").textContent = t("lost");
      $("chat").classList.add("is-typing");
      await new Promise((resume) => setTimeout(resume, 1000));
    }
  }
}

function show(chat, news) {
  const now = new Date(news.now);
  for (const item of news.items.slice(chat.shown)) append(chat, item, now);
  for (const item of news.items) settle(item);
  chat.shown = news.items.length;
  $("typing").textContent = news.typing ? t("typing") : "";
  $("chat").classList.toggle("is-typing", news.typing);
  if (atEnd) toEnd();
  onNews(chat, news);
}

function append(chat, item, now) {
  const at = new Date(item.created_at);
  if (item.direction === "notice") {
    const words = item.text.content === APOLOGY ? t("apology") : item.text.content;
    log.append(element("p", { className: "notice", textContent: words }));
    return;
  }
  const body = bubble(item, chat.app.name);
  if (!body) return;
  if (Math.abs(at - chat.last) > PAUSE) {
    log.append(element("p", { className: "time" }, element("time", { dateTime: item.created_at, textContent: when(at, now) })));
  }
  chat.last = at;
  const sent = item.direction === "sent";
  const face = sent
    ? element("img", { className: "face", src: "/phone/visitor.svg", alt: "" })
    : element("span", { className: "face", ariaHidden: "true", textContent: chat.app.name.slice(0, 1) });
  const who = element("span", { className: "sr", textContent: `${sent ? t("me") : chat.app.name}：` });
  const column = element("div", { className: "column" }, who, body);
  if (item.is_ai_msg) column.append(element("p", { className: "ai", textContent: t("ai") }));
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

log.addEventListener("click", (event) => {
  const page = event.target.closest("[data-page]")?.dataset.page;
  if (page) toast(t("opens", { page }));
});
