// The phone: selection of the mini program and the visitor, and the mini program's page.

import * as chat from "/phone/chat.js";
import { address } from "/phone/message.js";
import * as wechat from "/phone/wechat.js";

const $ = (id) => document.getElementById(id);
const contact = $("contact");
// The attributes of the button are in the page. Their placeholders are filled in here, as with setData.
const templates = new Map([...contact.attributes].map(({ name, value }) => [name, value]));

const kept = {
  get: (key) => localStorage.getItem(`phone.${key}`),
  set: (key, value) => localStorage.setItem(`phone.${key}`, value),
};

let apps = [];
let app = null;

function newOpenid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `oPHONE${[...bytes].map((byte) => byte.toString(36).padStart(2, "0").slice(-2)).join("").slice(0, 22)}`;
}

/** The visitor of this browser. */
function visitor() {
  if (!kept.get("openid")) kept.set("openid", newOpenid());
  return { openid: kept.get("openid"), nickname: kept.get("nickname") ?? "小林" };
}

function fill(template, values) {
  return template.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (whole, name) => values[name] ?? "");
}

/** Fills the page with the data of the mini program. */
function render() {
  const { openid, nickname } = visitor();
  const facts = {
    name: app?.name ?? "小程序",
    app_id: app?.app_id ?? "—",
    push: app?.verified ? `已启用 · ${app.format.toUpperCase()}` : "未启用",
    openid,
    quota: "—",
  };
  for (const [name, value] of Object.entries(facts)) {
    for (const node of document.querySelectorAll(`[data-fact=${name}]`)) node.textContent = value;
  }
  $("empty").hidden = app !== null;
  $("shop").hidden = $("buy").hidden = app === null;
  if (!app) return;
  const { page } = app;
  const values = {
    "userInfo.nickName": nickname,
    "userInfo.avatarUrl": `${location.origin}/phone/visitor.svg`,
    params: page.params,
    partnerid: page.partnerid,
    miniprogrampage_title: page.send_message_title,
    miniprogrampage_path: page.send_message_path,
    miniprogrampage_img: page.send_message_img,
  };
  for (const name of ["send-message-title", "send-message-path", "send-message-img"]) {
    contact.setAttribute(name, fill(templates.get(name), values));
  }
  contact.setAttribute("session-from", fill(page.session_from, values));
  $("item-title").textContent = page.send_message_title;
  const cover = address(page.send_message_img);
  if (cover) $("item-cover").src = cover;
}

/** Loads the mini programs. Keeps the selected one; otherwise selects the first verified one, or the first. */
async function refresh() {
  try {
    apps = await wechat.miniPrograms();
  } catch (error) {
    chat.toast(`连不上模拟微信：${error.message}`);
    return;
  }
  const wanted = kept.get("app_id");
  app = apps.find(({ app_id }) => app_id === wanted) ?? apps.find(({ verified }) => verified) ?? apps[0] ?? null;
  render();
}

function go(screen) {
  $("home").hidden = screen !== "home";
  $("chat").hidden = screen !== "chat";
  document.title = app ? app.name : "模拟微信";
}

contact.addEventListener("click", () => {
  if (contact.getAttribute("open-type") !== "contact" || !app) return;
  go("chat");
  chat.enter(contact, app, visitor());
});

$("back").addEventListener("click", () => {
  chat.leave();
  go("home");
  refresh();
  contact.focus({ preventScroll: true });
});

const settings = $("settings");

async function openSettings() {
  await refresh();
  const options = apps.map(({ app_id, name, verified }) => new Option(`${name}（${verified ? app_id : "未启用推送"}）`, app_id));
  $("pick").replaceChildren(...options);
  $("pick").value = app?.app_id ?? "";
  $("pick").disabled = apps.length === 0;
  $("nickname").value = visitor().nickname;
  $("openid").value = visitor().openid;
  settings.showModal();
}

for (const button of document.querySelectorAll("[data-action=settings]")) button.addEventListener("click", openSettings);

$("newcomer").addEventListener("click", () => { $("openid").value = newOpenid(); });

settings.addEventListener("close", () => {
  if (settings.returnValue !== "ok") return;
  if ($("pick").value) kept.set("app_id", $("pick").value);
  kept.set("nickname", $("nickname").value.trim());
  const openid = $("openid").value.trim();
  if (openid) kept.set("openid", openid);
  chat.leave();
  go("home");
  refresh();
});

go("home");
await refresh();
// A mini program can be bound while the page is open.
setInterval(() => { if (!app && !document.hidden) refresh(); }, 2000);
