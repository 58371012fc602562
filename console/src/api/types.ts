// What the API sends, by the names that the page uses.
import type { components } from "../../generated/schema";

type Schemas = components["schemas"];

/** The last message of a conversation, as lists show it. */
export interface LastMessage {
  id: string;
  type: string;
  /** The beginning of its text or its title, on one line. */
  excerpt?: string;
  /** From or to the visitor. */
  direction?: "in" | "out";
  /** Who wrote it; absent for the visitor. */
  role?: string;
  at: string;
}

// Fields that may be absent, as in conversations of earlier versions.
interface ConversationExtra {
  revision: string;
  app_name: string;
  group_name: string;
  assignee: Schemas["ConversationAssignee"] & { name?: string };
  last_message: LastMessage;
  unread: number;
  waiting_since: string;
  robot_name: string;
}

/** A conversation of a visitor with a mini program. */
export type Conversation = Omit<Schemas["Conversation"], keyof ConversationExtra> & Partial<ConversationExtra>;
/** A message of a conversation. */
export type Message = Schemas["Message"] & { order?: string };
/** The state of a message. */
export type MessageState = Schemas["MessageState"];
/** A change of a conversation. */
export type Event = Schemas["Event"];
/** An evaluated level of a routing plan. */
export type TrailEntry = Schemas["TrailEntry"];
/** What made a conversation change hands. */
export type RoutingCause = Schemas["RoutingCause"];
/** The replies that WeChat still permits. */
export type Quota = Schemas["Quota"];
/** The status and the load of an agent. */
export type Duty = Schemas["Duty"];
/** The status that an agent sets. */
export type AgentStatus = Schemas["AgentStatus"];
/** 客服. */
export type Agent = Schemas["Agent"];
/** 技能组. */
export type Group = Schemas["Group"];
/** A visitor. */
export type Visitor = Schemas["Visitor"];
/** A change of a visitor: what is given. */
export type VisitorChange = Schemas["VisitorChange"];
/** That a visitor is blocked. */
export type Block = Schemas["Block"];
/** The stable code of a refusal. */
export type ProblemCode = Schemas["ProblemCode"];
/** A mini program card to send. */
export type MiniPage = Schemas["MiniPage"];
/** A note of colleagues about a visitor. */
export type Note = Schemas["Note"];
/** A text for answers that are given often. */
export type QuickReply = Schemas["QuickReply"];
/** A page of the team's own beside the conversation. */
export type Frame = Schemas["Frame"];

/** The caller. */
export type Me = Omit<Schemas["Me"], "now" | "session"> & { now?: string; session?: { id: string } | null };

/** A page of a list. */
export interface Page<T> {
  items: T[];
  cursor?: string | null;
  /** The server's time. */
  now?: string;
}

/** The lists of the desk. */
export type View = "mine" | "waiting" | "left_messages" | "robot" | "closed" | "all";
export const VIEWS: readonly View[] = ["mine", "waiting", "left_messages", "robot", "closed", "all"];

/** A browser that is signed in. */
export interface Session {
  id: string;
  /** The browser's `User-Agent`. */
  device: string;
  last_used_at: string;
  /** Whether it is this one. */
  current: boolean;
}

/** How many conversations there are. */
export interface Counts {
  mine: { count: number; unread: number };
  waiting: { count: number };
  /** Only queues in which a conversation waits. */
  queues?: { queue: string; count: number }[];
  left_messages: number;
}
