// The operations of the desk.
import { api, ask, call, type Answer } from "./client";
import type { Agent, AgentStatus, Conversation, Counts, Duty, Event, Group, Me, Message, MiniPage, Page, Session, View } from "./types";

const PAGE = 100;

/** A view with at least `wanted` conversations, if there are as many. `narrowed`: what the server filters by. */
export async function readView(view: View, wanted: number, narrowed: Record<string, string | undefined> = {}): Promise<Answer<Page<Conversation>>> {
  const items: Conversation[] = [];
  let cursor: string | undefined;
  // A page may be empty and still have a next one.
  for (let pages = 0; pages < 20; pages += 1) {
    const answer: Answer<Page<Conversation>> = await call("GET", "/api/conversations", { query: { ...narrowed, view, cursor, limit: PAGE } });
    if (!answer.ok) return answer;
    items.push(...answer.data.items);
    cursor = answer.data.cursor ?? undefined;
    if (!cursor || items.length >= wanted) break;
  }
  return { ok: true, status: 200, data: { items, cursor: cursor ?? null } };
}

export function readConversation(cid: string): Promise<Answer<Conversation>> {
  return call("GET", `/api/conversations/${encodeURIComponent(cid)}`);
}

/** How many conversations the views that are counted have, and each queue in which one waits; null without an answer. */
export async function readCounts(): Promise<{ views: Partial<Record<View, number>>; queues: Map<string, number> } | null> {
  const answer = await call<Counts>("GET", "/api/conversations/counts");
  if (!answer.ok) return null;
  const { mine, waiting, left_messages, queues } = answer.data;
  return {
    views: { mine: mine.count, waiting: waiting.count, left_messages },
    queues: new Map((queues ?? []).map(({ queue, count }) => [queue, count])),
  };
}

/** Says that everything up to the visitor's message `upTo` has been seen. */
export function markRead(cid: string, upTo: string): Promise<Answer<Conversation>> {
  return call("POST", `/api/conversations/${encodeURIComponent(cid)}/read`, { body: { up_to: upTo } });
}

/** A page of messages, newest first: the newest, or those before a page. It may be empty and still have a next one. */
export function readMessages(cid: string, cursor?: string): Promise<Answer<Page<Message>>> {
  return call("GET", `/api/conversations/${encodeURIComponent(cid)}/messages`, { query: { order: "desc", cursor, limit: 50 } });
}

/** All items of a list. */
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

/** All events of a conversation. */
export const readEvents = (cid: string) => all<Event>(`/api/conversations/${encodeURIComponent(cid)}/events`);
export const readAgents = () => all<Agent>("/api/agents");
export const readGroups = () => all<Group>("/api/groups");
export const readMe = () => ask<Me>(api.GET("/api/me") as never);

/** Tells who a token stands for, without signing in. */
export const tryToken = (token: string) => call<Me>("GET", "/api/me", { by: token });

/** Exchanges a sign-in code for a session. */
export function signIn(code: string): Promise<Answer<{ token: string; expires_at?: string }>> {
  return call("POST", "/api/sign-in", { body: { code }, by: null });
}

/** The caller's sessions; none for an access token. */
export const readSessions = () => call<Page<Session>>("GET", "/api/sessions");
export const endSession = (id: string) => call<null>("DELETE", `/api/sessions/${encodeURIComponent(id)}`);
export const endOtherSessions = () => call<null>("DELETE", "/api/sessions");

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
