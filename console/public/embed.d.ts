// Types of https://<your desk>/embed.js, for pages that a desk shows in a tab beside the conversation.
//
// Such a page is configured by an admin with a name and an address (https). The desk opens it with `cid`, `uid` and `context`
// in the query. When the agent goes on to another conversation, the page is not loaded again: it is told (`onSelected`).
//
// `context` is a JWT (HS256, with the key that the admin got for this page): your server verifies it with any JWT library
// before it shows anything. It is valid for five minutes and names `cid`, `uid`, `app_id`, `openid`, `partnerid` with
// `partnerid_verified`, `agent_id` and `agent_name`; `aud` is the origin of your page. No API takes it.
//
// The script is a convenience. Without it a page may post what `sendCard` posts:
//   window.parent.postMessage({ cid, uid, msgType: 26, miniPage: { title, pagepath, thumbUrl } }, "*")

/** The conversation that the agent looks at. */
export interface Selected {
  cid: string;
  uid: string;
  /** A JWT for your server. A fresh one comes with each change. */
  context: string;
}

/** A mini program card. */
export interface MiniPage {
  /** What the card shows: 1 to 64 characters. */
  title: string;
  /** A page of the mini program with its query: 1 to 1024 characters, no leading slash. */
  pagepath: string;
  /** The https address of the cover, at most 2048 characters, 2 MB. Needed where there is no `thumbMediaId`. */
  thumbUrl?: string;
  /** A media id of the cover that WeChat gave, at most 512 characters. */
  thumbMediaId?: string;
  /** For the desk alone: the mini program's name and picture. */
  name?: string;
  headimg?: string;
}

/** That a card was sent. `sending` and `unknown`: WeChat has not answered yet, or it is not known whether it arrived. */
export interface Ack {
  type: "ack";
  msgType: 26;
  cid: string;
  requestId?: string;
  messageId: string;
  state: "sent" | "sending" | "unknown";
}

/** Why a card was not sent. */
export interface KefuError extends Error {
  /**
   * - `card.other_conversation`: the agent looks at another conversation
   * - `card.not_yours`: the agent does not have this conversation
   * - `card.too_fast`: one card a second is sent
   * - `card.invalid`: `errors` names the fields
   * - `timeout`: the desk did not answer within 30 seconds
   * - or a code of Kefu's API, such as `quota.exhausted` or `quota.window_closed`
   */
  code: string;
  /** WeChat's number, if WeChat refused. */
  errcode?: number;
  errors?: { field: string; detail: string }[];
}

export interface Options {
  /** The desk's origin; by default that of the script. Messages of others are ignored. */
  origin?: string;
  /** The agent has gone on to another conversation. */
  onSelected?(selected: Selected): void;
  /** How many replies WeChat still takes, and until when (RFC 3339; null: not any more). */
  onWindow?(window: { cid: string; replies_left: number; ends_at: string | null }): void;
  /** The agent's status: `online`, `busy`, `away` or `offline`. */
  onStatus?(status: string): void;
  /** The conversation was closed. */
  onClosed?(cid: string): void;
}

export interface Frame {
  /** The conversation that the agent looks at now. */
  readonly selected: Selected;
  /**
   * Sends a card to the visitor of the selected conversation; it uses one reply. Rejects with a `KefuError`.
   * With the same `requestId` (1 to 64 characters) the same card is sent once, however often it is asked for.
   */
  sendCard(miniPage: MiniPage, requestId?: string): Promise<Ack>;
  /** Asks for another context, before the five minutes of the last one are over. Rejects like `sendCard` without an answer. */
  refreshContext(): Promise<Selected>;
  /** Stops listening. */
  disconnect(): void;
}

declare global {
  const KefuFrame: { connect(options?: Options): Frame; KefuError: { new (answer: object): KefuError } };
}
