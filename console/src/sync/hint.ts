// The frames of the WebSocket.

/** A hint of the server. Fields that are not known are ignored. */
export interface Hint {
  type: "message" | "conversation" | "queue" | "duty" | "session_ended";
  cid?: string;
  group_id?: string;
  agent_id?: string;
}

const TYPES = ["message", "conversation", "queue", "duty", "session_ended"];

/** The hint in a frame of the socket, if it is one. */
export function hintOf(frame: unknown): Hint | null {
  if (typeof frame !== "string" || frame.length > 40_000) return null;
  try {
    const value = JSON.parse(frame) as { v?: unknown; type?: unknown; cid?: unknown; group_id?: unknown; agent_id?: unknown };
    if (value.v !== 1 || typeof value.type !== "string" || !TYPES.includes(value.type)) return null;
    const text = (field: unknown) => (typeof field === "string" ? field : undefined);
    return { type: value.type as Hint["type"], cid: text(value.cid), group_id: text(value.group_id), agent_id: text(value.agent_id) };
  } catch {
    return null;
  }
}

/** What has to be read after hints: some conversations by themselves, or the lists. */
export interface Scope {
  /** Conversations; true where a message was written or its state has changed. */
  conversations: Map<string, boolean>;
  lists: boolean;
}

export const NOTHING = (): Scope => ({ conversations: new Map(), lists: false });

/** Adds what a hint asks for. A conversation that the page does not know may belong into a list. */
export function widen(scope: Scope, hint: Hint | null, isKnown: (cid: string) => boolean): void {
  if (hint?.cid === undefined || !isKnown(hint.cid)) {
    scope.lists = true;
    return;
  }
  scope.conversations.set(hint.cid, hint.type === "message" || scope.conversations.get(hint.cid) === true);
}
