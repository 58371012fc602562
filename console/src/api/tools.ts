// The operations of the desk's tools: quick replies, frames, pictures.
import { call, download, type Answer } from "./client";
import type { Frame, Message, QuickReply } from "./types";

const one = (id: string) => `/api/quick-replies/${encodeURIComponent(id)}`;
const ofConversation = (cid: string) => `/api/conversations/${encodeURIComponent(cid)}`;

/** What a quick reply is written with. */
export type QuickReplyText = Pick<QuickReply, "title" | "content"> & { shortcut: string | null; folder: string | null };

/** All that the caller may use. */
export const readQuickReplies = () => call<{ items: QuickReply[] }>("GET", "/api/quick-replies");
export const createQuickReply = (scope: QuickReply["scope"], group_id: string | null, text: QuickReplyText) =>
  call<QuickReply>("POST", "/api/quick-replies", { body: { scope, ...(group_id ? { group_id } : {}), ...withoutNull(text) } });
export const changeQuickReply = (id: string, text: QuickReplyText) => call<QuickReply>("PATCH", one(id), { body: text });
export const deleteQuickReply = (id: string) => call<null>("DELETE", one(id));

/** A new record has no field to clear. */
function withoutNull(text: QuickReplyText): Record<string, string> {
  return Object.fromEntries(Object.entries(text).filter((entry): entry is [string, string] => entry[1] !== null));
}

export const readFrames = () => call<{ items: Frame[] }>("GET", "/api/frames");

/** A signed context that tells a frame's page about the conversation. */
export const readFrameContext = (cid: string, frame_id: string) => call<{ context: string; expires_at: string }>("POST", `${ofConversation(cid)}/frame-context`, { body: { frame_id } });

/** Gives WeChat a picture for a message or a card of this conversation: at most 2 MB. It keeps it for three days. */
export const uploadPicture = (cid: string, picture: Blob) => call<{ media_id: string }>("POST", `${ofConversation(cid)}/uploads`, { raw: picture });
export const sendPicture = (cid: string, key: string, media_id: string) =>
  call<Message>("POST", `${ofConversation(cid)}/messages`, { body: { type: "image", image: { media_id } }, headers: { "idempotency-key": key } });

/** The picture of a message. */
export const readPicture = (cid: string, id: string): Promise<Answer<Blob>> => download(`${ofConversation(cid)}/messages/${encodeURIComponent(id)}/media`);
