// The attributes of the contact button: those of the mini program's page, or those that were edited on this phone.
import { get, set, visitor } from "/phone/visitor.js";

const FIELDS = ["session-from", "send-message-title", "send-message-path", "send-message-img"];

function fill(template, values) {
  return template.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (whole, name) => values[name] ?? "");
}

/** The attributes that the mini program gives the button. Its placeholders are filled in, as with setData. */
export function given(app, slot) {
  const { page } = app;
  const { nickname } = visitor(slot);
  const values = { "userInfo.nickName": nickname, "userInfo.avatarUrl": `${location.origin}/phone/visitor.svg`, params: page.params, partnerid: page.partnerid };
  return {
    "session-from": fill(page.session_from, values),
    "show-message-card": "true",
    "send-message-title": page.send_message_title,
    "send-message-path": page.send_message_path,
    "send-message-img": page.send_message_img,
  };
}

function edited(app, slot) {
  const kept = JSON.parse(get(slot, "button") ?? "{}");
  return kept.app_id === app.app_id ? kept.attributes : {};
}

/** Sets the attributes of the button. */
export function apply(button, app, slot) {
  for (const [name, value] of Object.entries({ ...given(app, slot), ...edited(app, slot) })) button.setAttribute(name, value);
}

/** The dialog that edits them. `changed` is called afterwards. */
export function editor(dialog, button, current, slot, changed) {
  const field = (name) => dialog.querySelector(`[name=${name}]`);
  const show = (attributes) => {
    for (const name of FIELDS) field(name).value = attributes[name] ?? "";
    field("show-message-card").checked = attributes["show-message-card"] === "true";
  };
  dialog.querySelector("[data-action=reset]").addEventListener("click", () => show(given(current(), slot)));
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "ok") return;
    const attributes = Object.fromEntries(FIELDS.map((name) => [name, field(name).value]));
    attributes["show-message-card"] = String(field("show-message-card").checked);
    const app = current();
    const own = Object.fromEntries(Object.entries(attributes).filter(([name, value]) => given(app, slot)[name] !== value));
    set(slot, "button", JSON.stringify({ app_id: app.app_id, attributes: own }));
    changed();
  });
  return () => {
    show(Object.fromEntries([...button.attributes].map(({ name, value }) => [name, value])));
    dialog.returnValue = "";
    dialog.showModal();
  };
}
