// Requests to the simulated WeChat.
import { t } from "/phone/words.js";

async function call(path, options) {
  const response = await fetch(path, options).catch((error) => {
    throw error.name === "AbortError" ? error : new Error(t("down"));
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail ?? `HTTP ${response.status}`);
  return body;
}

const change = (method, path, body) =>
  call(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
const of = (openid) => `/sim/visitors/${encodeURIComponent(openid)}`;

export const miniPrograms = async () => (await call("/sim/mini-programs")).items;

/** The chat after revision `after`; waits for a change unless `after` is null. */
export function messages(openid, appId, after, signal) {
  const query = new URLSearchParams({ app_id: appId, all: "true" });
  if (after !== null) {
    query.set("after", after);
    query.set("wait_ms", "20000");
  }
  return call(`${of(openid)}/messages?${query}`, { signal });
}

/** Performs an action: "enter", "text", "image" or "card". Does not wait for the push; the chat shows its result. */
export const act = (openid, kind, body) => change("POST", `${of(openid)}/${kind}`, { ...body, wait: false });

/** Who would answer a visitor: "online", "busy", "robot", "offline" or null. */
export async function reception(openid, appId, sessionFrom) {
  const query = new URLSearchParams({ app_id: appId, session_from: sessionFrom });
  return (await call(`${of(openid)}/reception?${query}`)).reception;
}

/** The address of a visitor's conversation in the workbench, or null. */
export async function conversation(openid, appId) {
  return (await call(`${of(openid)}/conversation?${new URLSearchParams({ app_id: appId })}`)).url;
}

export const clock = () => call("/sim/clock");
export const setClock = (offset) => change("PUT", "/sim/clock", { offset_seconds: offset });
export const addFault = (fault) => change("POST", "/sim/faults", fault);
export const beginDemo = () => change("POST", "/sim/demo", {});
