// Requests to the simulated WeChat.

async function call(path, options) {
  const response = await fetch(path, options).catch((error) => {
    throw error.name === "AbortError" ? error : new Error("连不上服务，请确认它正在运行");
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail ?? `HTTP ${response.status}`);
  return body;
}

export const miniPrograms = async () => (await call("/sim/mini-programs")).items;

/** The chat after revision `after`; waits for a change unless `after` is null. */
export function messages(openid, appId, after, signal) {
  const query = new URLSearchParams({ app_id: appId, all: "true" });
  if (after !== null) {
    query.set("after", after);
    query.set("wait_ms", "20000");
  }
  return call(`/sim/visitors/${encodeURIComponent(openid)}/messages?${query}`, { signal });
}

/** Performs an action: "enter", "text", "image" or "card". Does not wait for the push; the chat shows its result. */
export function act(openid, kind, body) {
  return call(`/sim/visitors/${encodeURIComponent(openid)}/${kind}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, wait: false }),
  });
}
