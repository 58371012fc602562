// A played API, for worlds that a bundle would take minutes to make.
import { expect, parts } from "./fixtures.js";

const START = Date.parse("2026-06-01T08:00:00Z");
export const at = (index) => new Date(START + index * 1000).toISOString();
const me = { role: "agent", agent_id: "a0", name: "小林", duty: { status: "online", since: at(0), present: true, load: 1, capacity: 5 }, now: at(10_000) };

export function conversation(index, more = {}) {
  return {
    cid: `c${index}`, uid: `u${index}`, app_id: "wx00000000000000a1", app_name: "老林咖啡", openid: `o${index}`, state: "open", stage: "assigned",
    assignee: { agent_id: "a0", since: at(0), accepted_at: at(0) }, answered: true, created_at: at(0), last_message_at: at(5000 + index), seq: 0, revision: "1.1",
    quota: { replies_left: 5, maybe: 0, window_ends_at: at(100_000) }, held: 0, unread: 0,
    visitor: { nickname: `访客 ${index}`, avatar: null, partnerid: null, partnerid_verified: false },
    last_message: { id: "m", type: "text", excerpt: `第 ${index} 位说的话`, direction: "in", at: at(5000 + index) }, ...more,
  };
}

export const message = (index, content = `第 ${index} 句：${"话".repeat(index % 60)}`) => ({
  id: `m${String(index).padStart(6, "0")}`, cid: "c0", type: "text", direction: index % 3 ? "in" : "out", state: index % 3 ? "received" : "sent",
  author: index % 3 ? undefined : { role: "agent", agent_id: "a0", name: "小林" }, created_at: at(index), received_at: at(index), text: { content },
});

/** Plays the API for a page. */
async function play(page, world) {
  const answer = (path, query) => {
    if (path === "/api/me") return me;
    if (path === "/api/agents" || path === "/api/groups") return { items: [], cursor: null };
    if (path === "/api/conversations/counts") return { now: at(10_000), mine: { count: world.conversations.length, unread: 0, unread_conversations: 0 }, waiting: { count: 0 }, queues: [], left_messages: 0 };
    if (path === "/api/conversations") return { items: query.get("view") === "mine" ? world.conversations : [], cursor: null, now: at(10_000) };
    const cid = path.split("/")[3];
    if (path.endsWith("/events")) return { items: [], cursor: null };
    if (path.endsWith("/messages")) {
      const messages = cid === "c0" ? world.messages : world.threads?.get(cid) ?? [];
      const end = query.has("cursor") ? Number(query.get("cursor")) : messages.length;
      const begin = Math.max(0, end - 50);
      return { items: messages.slice(begin, end).reverse(), cursor: begin > 0 ? String(begin) : null };
    }
    return [...world.conversations, ...(world.elsewhere ?? [])].find((one) => one.cid === cid) ?? null;
  };
  await page.route("**/api/**", (route) => {
    const url = new URL(route.request().url());
    world.requests += 1;
    const body = answer(url.pathname, url.searchParams);
    return body ? route.fulfill({ json: body }) : route.fulfill({ status: 404, json: { code: "not_found" } });
  });
}

/** Opens the desk of a played world. */
export async function started(open, world) {
  const page = await open({ token: "played" }, "/favicon-of-nothing.txt", { expected: /Failed to load resource/ });
  await play(page, world);
  await page.goto(new URL("/desk", page.url()).href);
  await expect(parts.rows(page).first()).toBeVisible();
  return page;
}
