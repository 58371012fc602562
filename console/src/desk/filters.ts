// Which conversations of a list are shown. Pure.
import type { Conversation, View } from "@/api/types";
import { oneLine } from "./text";

/** What a list is narrowed to. Empty texts and false narrow nothing. */
export interface Filter {
  text: string;
  app: string;
  group: string;
  unread: boolean;
  starred: boolean;
  tag: string;
}

export const NO_FILTER: Readonly<Filter> = { text: "", app: "", group: "", unread: false, starred: false, tag: "" };

/** How many conditions a filter has, without its text. */
export function conditions(filter: Filter): number {
  return [filter.app, filter.group, filter.unread, filter.starred, filter.tag].filter(Boolean).length;
}

const plain = (text: string | null | undefined) => oneLine(text ?? "").toLocaleLowerCase();

/** Whether a conversation is among those that a filter shows. `name` is how the list calls the visitor. */
export function passes(conversation: Conversation, filter: Filter, name: string): boolean {
  if (filter.app && conversation.app_id !== filter.app) return false;
  if (filter.group && conversation.group_id !== filter.group) return false;
  if (filter.unread && !conversation.unread) return false;
  if (filter.starred && !conversation.visitor.starred) return false;
  if (filter.tag && !conversation.visitor.tags?.includes(filter.tag)) return false;
  const wanted = plain(filter.text);
  if (wanted === "") return true;
  const { visitor } = conversation;
  return [name, visitor.nickname, visitor.partnerid, ...(visitor.tags ?? []), conversation.last_message?.excerpt, conversation.cid].some((text) => plain(text).includes(wanted));
}

/** The different values of a field in a list, with their names, in the order of the names. */
export function choices(conversations: readonly Conversation[], field: "app_id" | "group_id"): { id: string; name: string }[] {
  const names = new Map<string, string>();
  for (const conversation of conversations) {
    const id = conversation[field];
    if (id) names.set(id, (field === "app_id" ? conversation.app_name : conversation.group_name) ?? id);
  }
  return [...names].map(([id, name]) => ({ id, name })).sort((one, other) => one.name.localeCompare(other.name));
}

/** The tags of the visitors of a list, in their order. */
export function tagsOf(conversations: readonly Conversation[]): string[] {
  return [...new Set(conversations.flatMap(({ visitor }) => visitor.tags ?? []))].sort((one, other) => one.localeCompare(other));
}

/** The part of a filter that the server applies to a long list. Short lists are read whole, because the desk tells of what is new in them. */
export function queryOf(view: View, filter: Filter): Record<string, string | undefined> {
  if (view !== "all" && view !== "closed") return {};
  return { app_id: filter.app || undefined, group_id: filter.group || undefined, starred: filter.starred ? "true" : undefined, tag: filter.tag || undefined };
}
