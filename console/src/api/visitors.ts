// The operations on visitors.
import { call, type Answer } from "./client";
import type { Conversation, Note, Page, Visitor, VisitorChange } from "./types";

/** A visitor of a mini program. */
export interface VisitorKey {
  app_id: string;
  openid: string;
}

const path = ({ app_id, openid }: VisitorKey) => `/api/bindings/${encodeURIComponent(app_id)}/visitors/${encodeURIComponent(openid)}`;

export const readVisitor = (visitor: VisitorKey) => call<Visitor>("GET", path(visitor));

/** Changes what is given; the rest stays. */
export const changeVisitor = (visitor: VisitorKey, change: VisitorChange) => call<Visitor>("PATCH", path(visitor), { body: change });

/** A page of a visitor's conversations, newest first, as far as the caller may read them. It may be empty and have a next one. */
export function readVisitorConversations(visitor: VisitorKey, cursor?: string): Promise<Answer<Page<Conversation>>> {
  return call("GET", `${path(visitor)}/conversations`, { query: { cursor, limit: 20 } });
}

/** The notes of colleagues about a visitor, oldest first. */
export const readNotes = (visitor: VisitorKey) => call<{ items: Note[] }>("GET", `${path(visitor)}/notes`);
export const addNote = (visitor: VisitorKey, text: string) => call<Note>("POST", `${path(visitor)}/notes`, { body: { text } });
export const deleteNote = (visitor: VisitorKey, id: string) => call<null>("DELETE", `${path(visitor)}/notes/${encodeURIComponent(id)}`);
