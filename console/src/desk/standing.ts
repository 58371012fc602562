// What the caller may do with a conversation, so that the page offers what the server takes. Pure; the server decides.
import type { Conversation, Me } from "@/api/types";
import { chipOf } from "./quota";

/** What the composer is. */
export type Composer =
  | { kind: "free" }
  /** One reply is left. */
  | { kind: "one" }
  /** No reply is left: texts are held until the visitor writes. */
  | { kind: "hold" }
  /** The 48 hours are over. */
  | { kind: "window_closed" }
  | { kind: "closed" }
  /** A colleague has it. */
  | { kind: "not_yours"; agent: string }
  /** No agent has it; a robot may. */
  | { kind: "claim"; robot: boolean };

/** Whether the caller works as the agent who has the conversation. */
export function isMine(conversation: Conversation, me: Me | null): boolean {
  return !!me?.agent_id && conversation.assignee?.agent_id === me.agent_id;
}

/** Whether the caller answers for the work of colleagues. */
export function isLead(me: Me | null): boolean {
  return me?.role === "admin" || me?.role === "supervisor";
}

/** Whether to offer what the assigned agent, supervisors and admins may do. */
export function mayManage(conversation: Conversation, me: Me | null): boolean {
  return isMine(conversation, me) || isLead(me);
}

/** Where a conversation stands: as long as it is the same, the lists that have it are the same. */
export function placeOf(conversation: Conversation | undefined): string {
  return conversation ? `${conversation.state} ${conversation.stage} ${conversation.assignee?.agent_id ?? ""} ${conversation.group_id ?? ""}` : "";
}

/** The composer for a conversation at this time of the server. */
export function composerOf(conversation: Conversation, me: Me | null, now: number): Composer {
  if (conversation.state === "closed") return { kind: "closed" };
  if (conversation.assignee && !isMine(conversation, me)) return { kind: "not_yours", agent: conversation.assignee.agent_id };
  if (!conversation.assignee) return { kind: "claim", robot: conversation.stage === "robot" };
  const chip = chipOf(conversation.quota, now);
  if (chip.key === "quota.closed") return { kind: "window_closed" };
  if (chip.left + chip.maybe === 0) return { kind: "hold" };
  return { kind: chip.left === 1 && chip.maybe === 0 ? "one" : "free" };
}

/** Whether to offer transfer and close. */
export function mayHandOver(conversation: Conversation, me: Me | null): boolean {
  return conversation.state !== "closed" && mayManage(conversation, me);
}

/** Whether the assigned agent has not taken it up yet. */
export function waitsForAccept(conversation: Conversation, me: Me | null): boolean {
  return conversation.state === "open" && isMine(conversation, me) && !conversation.assignee?.accepted_at;
}

/** Since when the visitor waits for an answer, if the last word is theirs. */
export function waitingSince(conversation: Conversation): string | null {
  if (conversation.state === "closed") return null;
  if (conversation.waiting_since) return conversation.waiting_since;
  if (conversation.queue) return conversation.queue.since;
  if (conversation.stage === "assigned" && !conversation.answered) return conversation.assignee?.since ?? null;
  return null;
}

/** How a list is sorted. */
export type Sort = "waiting" | "newest";

/** A sorted copy: those who wait longest first, or those who wrote last first. */
export function sorted(conversations: readonly Conversation[], sort: Sort): Conversation[] {
  const newest = (one: Conversation, other: Conversation) => Date.parse(other.last_message_at) - Date.parse(one.last_message_at);
  const list = [...conversations];
  if (sort === "newest") return list.sort(newest);
  return list.sort((one, other) => {
    const [since, than] = [waitingSince(one), waitingSince(other)];
    if (since && than) return Date.parse(since) - Date.parse(than);
    if (since || than) return since ? -1 : 1;
    return newest(one, other);
  });
}
