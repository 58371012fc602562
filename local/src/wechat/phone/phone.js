// One phone: the mini program's page, its visitor, and what it tells the page around it.
import { apply, editor } from "/phone/button.js";
import * as chat from "/phone/chat.js";
import * as composer from "/phone/composer.js";
import { address } from "/phone/message.js";
import { get, newOpenid, set, visitor } from "/phone/visitor.js";
import * as wechat from "/phone/wechat.js";
import { t, translate } from "/phone/words.js";

const $ = (id) => document.getElementById(id);
const contact = $("contact");
const slot = Number(new URLSearchParams(location.search).get("slot") ?? 1);
const RECEPTION = 10_000;

let apps = [];
let app = null;
let news = null;

/** Tells the page that shows this phone in a frame. */
function tell() {
  if (parent === window) return;
  const pushes = (news?.items ?? []).filter(({ direction }) => direction === "sent");
  const said = pushes.map(({ id, msgtype, text, created_at, delivered, attempts }) => ({ id, msgtype, text: text?.content ?? "", created_at, delivered, attempts }));
  const about = app && { app_id: app.app_id, name: app.name, format: app.verified ? app.format : null };
  parent.postMessage({ kefu: "phone", slot, app: about, ...visitor(slot), left: news?.quota_left ?? null, pushes: said }, location.origin);
}

chat.listen((_, answer) => {
  news = answer;
  tell();
});

/** Fills the page with the data of the mini program. */
function render() {
  for (const node of document.querySelectorAll("[data-fact=name]")) node.textContent = app?.name ?? t("program");
  $("openid-shown").textContent = visitor(slot).openid;
  $("empty").hidden = app !== null;
  $("shop").hidden = $("buy").hidden = app === null;
  if (app) {
    apply(contact, app, slot);
    $("item-title").textContent = contact.getAttribute("send-message-title");
    $("session-from").textContent = contact.getAttribute("session-from");
    const cover = address(contact.getAttribute("send-message-img"));
    if (cover) $("item-cover").src = cover;
  }
  tell();
}

/** Loads the mini programs. Keeps the selected one; otherwise selects the first verified one, or the first. */
async function refresh() {
  try {
    apps = await wechat.miniPrograms();
  } catch (error) {
    chat.toast(t("no_wechat", { why: error.message }));
    return;
  }
  const wanted = get(slot, "app_id");
  app = apps.find(({ app_id }) => app_id === wanted) ?? apps.find(({ verified }) => verified) ?? apps[0] ?? null;
  render();
  await receive();
}

/** Says who would answer, and nothing where it is not known. */
async function receive() {
  if (!app || $("home").hidden || document.hidden) return;
  const who = await wechat.reception(visitor(slot).openid, app.app_id, contact.getAttribute("session-from")).catch(() => null);
  $("reception").textContent = who ? t(who) : "";
}

function go(screen) {
  $("home").hidden = screen !== "home";
  $("chat").hidden = screen !== "chat";
  document.title = app ? app.name : t("title");
}

contact.addEventListener("click", () => {
  if (contact.getAttribute("open-type") !== "contact" || !app) return;
  go("chat");
  chat.enter(contact, app, visitor(slot));
  composer.focus();
});
composer.cardOf(contact);

$("back").addEventListener("click", () => {
  chat.leave();
  go("home");
  refresh();
  contact.focus({ preventScroll: true });
});

$("edit").addEventListener("click", editor($("button"), contact, () => app, slot, render));

const settings = $("settings");

async function openSettings() {
  await refresh();
  const options = apps.map(({ app_id, name, verified }) => new Option(`${name}（${verified ? app_id : t("not_enabled")}）`, app_id));
  $("pick").replaceChildren(...options);
  $("pick").value = app?.app_id ?? "";
  $("pick").disabled = apps.length === 0;
  $("nickname").value = visitor(slot).nickname;
  $("openid").value = visitor(slot).openid;
  settings.returnValue = "";
  settings.showModal();
}

for (const button of document.querySelectorAll("[data-action=settings]")) button.addEventListener("click", openSettings);

$("newcomer").addEventListener("click", () => { $("openid").value = newOpenid(); });

settings.addEventListener("close", () => {
  if (settings.returnValue !== "ok") return;
  if ($("pick").value) set(slot, "app_id", $("pick").value);
  set(slot, "nickname", $("nickname").value.trim());
  const openid = $("openid").value.trim();
  if (openid) set(slot, "openid", openid);
  chat.leave();
  news = null;
  go("home");
  refresh();
});

translate();
go("home");
await refresh();
// A mini program can be bound while the page is open.
setInterval(() => { if (!app && !document.hidden) refresh(); }, 2000);
setInterval(receive, RECEPTION);
