// The operations of the desk. Where a server of an earlier version lacks one, the nearest that it has is used.
import { orderOf } from "@/sync/engine";
import { api, ask, call, type Answer } from "./client";
import { VIEWS, type Agent, type AgentStatus, type Conversation, type Duty, type Event, type Group, type Me, type Message, type MiniPage, type Page, type View, type ViewCount, type Visitor } from "./types";

/** What is wrong is the request itself: this server does not know the operation or a parameter. */
function isUnknown<T>(answer: Answer<T>): boolean {
  return !answer.ok && answer.refusal.kind === "api" && [400, 404, 405, 422].includes(answer.refusal.status ?? 0);
}

const PAGE = 100;

/** A page of a list of conversations. */
export function listConversations(view: View, cursor?: string): Promise<Answer<Page<Conversation>>> {
  return call("GET", "/api/conversations", { query: { view, cursor, limit: PAGE } });
}

/** The waiting conversations of these groups, for servers that list one group at a time. */
async function waitingOf(groups: readonly string[]): Promise<Answer<Page<Conversation>>> {
  const items: Conversation[] = [];
  let now: string | undefined;
  for (const group_id of groups) {
    const answer = await call<Page<Conversation>>("GET", "/api/conversations", { query: { view: "waiting", group_id, limit: PAGE } });
    if (!answer.ok) return answer;
    items.push(...answer.data.items);
    now = answer.data.now;
  }
  items.sort((one, other) => Date.parse(one.queue?.since ?? "") - Date.parse(other.queue?.since ?? ""));
  return { ok: true, status: 200, data: { items, cursor: null, now } };
}

const STAGES: Partial<Record<View, string>> = { robot: "robot", closed: "closed" };
const missing = new Set<View>();

/** A view with at least `wanted` conversations, if there are as many. */
export async function readView(view: View, wanted: number, groups: readonly string[]): Promise<Answer<Page<Conversation>>> {
  const items: Conversation[] = [];
  let cursor: string | undefined;
  // A page may be empty and still have a next one.
  for (let pages = 0; pages < 20; pages += 1) {
    let answer = missing.has(view) ? null : await listConversations(view, cursor);
    if (answer && isUnknown(answer)) {
      missing.add(view);
      answer = null;
    }
    if (!answer && view === "waiting") return waitingOf(groups);
    answer ??= await listConversations("all", cursor);
    if (!answer.ok) return answer;
    const stage = missing.has(view) ? STAGES[view] : undefined;
    items.push(...answer.data.items.filter((item) => !stage || item.stage === stage));
    cursor = answer.data.cursor ?? undefined;
    if (!cursor || items.length >= wanted) break;
  }
  return { ok: true, status: 200, data: { items, cursor: cursor ?? null } };
}

export function readConversation(cid: string): Promise<Answer<Conversation>> {
  return call("GET", `/api/conversations/${encodeURIComponent(cid)}`);
}

const unknownOperations = new Set<string>();

/** How many conversations each view has; null where the server does not count. */
export async function readCounts(): Promise<Partial<Record<View, ViewCount>> | null> {
  if (unknownOperations.has("counts")) return null;
  const answer = await call<Record<string, unknown>>("GET", "/api/conversations/counts");
  if (isUnknown(answer)) unknownOperations.add("counts");
  if (!answer.ok) return null;
  const source = (answer.data.views ?? answer.data) as Record<string, unknown>;
  const counts: Partial<Record<View, ViewCount>> = {};
  for (const view of VIEWS) {
    const value = source[view];
    if (typeof value === "number") counts[view] = { count: value };
    else if (typeof value === "object" && value !== null && typeof (value as ViewCount).count === "number") counts[view] = value as ViewCount;
  }
  return counts;
}

/** Says that everything up to a message has been read. */
export async function markRead(cid: string, upTo: string): Promise<boolean> {
  if (unknownOperations.has("read")) return false;
  const answer = await call("POST", `/api/conversations/${encodeURIComponent(cid)}/read`, { body: { up_to: upTo } });
  if (!answer.ok && answer.refusal.status === 404 && answer.refusal.code === undefined) unknownOperations.add("read");
  return answer.ok;
}

/** A page of messages, newest first on servers that can; `first`: whether it reaches the first message. */
export interface Newest {
  messages: Message[];
  first: boolean;
}

/** The newest messages, or those before a message. */
export async function readMessages(cid: string, before?: string): Promise<Answer<Newest>> {
  const path = `/api/conversations/${encodeURIComponent(cid)}/messages`;
  const answer = await call<Page<Message>>("GET", path, { query: { order: "desc", before, limit: 50 } });
  if (!answer.ok) return answer;
  const messages = [...answer.data.items];
  let cursor = answer.data.cursor;
  const [one, last] = [messages[0], messages.at(-1)];
  // An older server ignores `order` and begins with the first message: all pages are read.
  const ascending = one && last && orderOf(one) < orderOf(last);
  if (!ascending) return { ok: true, status: 200, data: { messages, first: !cursor } };
  while (cursor) {
    const next = await call<Page<Message>>("GET", path, { query: { cursor, limit: PAGE } });
    if (!next.ok) return next;
    messages.push(...next.data.items);
    cursor = next.data.cursor;
  }
  return { ok: true, status: 200, data: { messages, first: true } };
}

/** All events of a conversation. */
export async function readEvents(cid: string): Promise<Answer<Event[]>> {
  const events: Event[] = [];
  let cursor: string | null | undefined;
  do {
    const answer: Answer<Page<Event>> = await call("GET", `/api/conversations/${encodeURIComponent(cid)}/events`, { query: { cursor: cursor ?? undefined, limit: PAGE } });
    if (!answer.ok) return answer;
    events.push(...answer.data.items);
    cursor = answer.data.cursor;
  } while (cursor);
  return { ok: true, status: 200, data: events };
}

async function all<T>(path: string): Promise<Answer<T[]>> {
  const items: T[] = [];
  let cursor: string | null | undefined;
  do {
    const answer: Answer<Page<T>> = await call("GET", path, { query: { cursor: cursor ?? undefined, limit: PAGE } });
    if (!answer.ok) return answer;
    items.push(...answer.data.items);
    cursor = answer.data.cursor;
  } while (cursor);
  return { ok: true, status: 200, data: items };
}

export const readAgents = () => all<Agent>("/api/agents");
export const readGroups = () => all<Group>("/api/groups");
export const readMe = () => ask<Me>(api.GET("/api/me") as never);

/** Tells who a token stands for, without signing in. */
export const tryToken = (token: string) => call<Me>("GET", "/api/me", { headers: { authorization: `Bearer ${token}` } });

/** Exchanges a sign-in code for a session. */
export function signIn(code: string): Promise<Answer<{ token: string; expires_at?: string }>> {
  return call("POST", "/api/sign-in", { body: { code } });
}

/** Ends the session at the server; an access token stays valid. */
export async function endSession(me: Me | null): Promise<void> {
  if (me?.session) await call("DELETE", `/api/sessions/${encodeURIComponent(me.session.id)}`);
}

const path = (cid: string) => ({ params: { path: { cid } } });

/** Takes a conversation that no agent has. */
export const claim = (cid: string) => ask<Conversation>(api.POST("/api/conversations/{cid}/claim", { ...path(cid), body: {} }) as never);
export const accept = (cid: string) => ask<Conversation>(api.POST("/api/conversations/{cid}/accept", path(cid)) as never);
export const transfer = (cid: string, to: { agent_id?: string; group_id?: string; reason?: string }) =>
  ask<Conversation>(api.POST("/api/conversations/{cid}/transfer", { ...path(cid), body: to }) as never);
export const close = (cid: string, summary: Record<string, unknown> | null) =>
  ask<Conversation>(api.POST("/api/conversations/{cid}/close", { ...path(cid), body: (summary ? { summary } : {}) as never }) as never);
export const sendText = (cid: string, key: string, content: string) =>
  call<Message>("POST", `/api/conversations/${encodeURIComponent(cid)}/messages`, { body: { type: "text", text: { content } }, headers: { "idempotency-key": key } });
export const sendCard = (cid: string, key: string, miniPage: MiniPage) =>
  call<Message>("POST", `/api/conversations/${encodeURIComponent(cid)}/cards`, { body: { cid, msgType: 26, miniPage }, headers: { "idempotency-key": key } });
export const takeBack = (cid: string, id: string) =>
  ask<Message>(api.DELETE("/api/conversations/{cid}/messages/{id}", { params: { path: { cid, id } } }) as never);
export const setTyping = (cid: string, typing: boolean) => ask<null>(api.POST("/api/conversations/{cid}/typing", { ...path(cid), body: { typing } }) as never);
export const setStatus = (status: AgentStatus, reason?: string) =>
  ask<Duty>(api.PUT("/api/agents/{id}/status", { params: { path: { id: "me" } }, body: { status, reason: reason || null } }) as never);
export const heartbeat = () => ask<null>(api.POST("/api/agents/{id}/heartbeat", { params: { path: { id: "me" } } }) as never);
export const readVisitor = (app_id: string, openid: string) =>
  ask<Visitor>(api.GET("/api/bindings/{app_id}/visitors/{openid}", { params: { path: { app_id, openid } } }) as never);
