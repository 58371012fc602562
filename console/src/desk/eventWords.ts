// What happened to a conversation, in words.
import type { Event, RoutingCause, TrailEntry } from "@/api/types";
import { duration } from "@/app/format";
import { t } from "@/app/i18n";

/** Names of agents and groups. */
export interface Names {
  agent(id: string | null | undefined): string;
  group(id: string | null | undefined): string;
}

/** Data of an event, whose fields depend on its type. */
type Data = Record<string, unknown> & { trail?: TrailEntry[] | null };

const text = (value: unknown) => (typeof value === "string" ? value : undefined);

function queueName(queue: string | undefined, names: Names): string {
  const [kind, id] = [queue?.split(":")[0], queue?.split(":")[1]];
  if (kind === "group") return names.group(id);
  return kind === "agent" ? names.agent(id) : t("view.left_messages");
}

/** What made a conversation change hands. */
export function causeWords(cause: RoutingCause | undefined, names: Names): string {
  const fields = (cause ?? {}) as Record<string, unknown>;
  const handover = text(fields.handover);
  if (handover) return t(`handoff.${handover}`);
  if (fields.agent_gone) return t("why.agent_gone", { agent: names.agent(text(fields.agent_gone)) });
  if (fields.nobody_there) return t("why.nobody_there");
  if (typeof fields.waited_seconds === "number") return t("why.waited", { t: duration(fields.waited_seconds * 1000) });
  if (fields.transferred) return t("why.transferred");
  if (fields.left_message) return t("why.left_message");
  return t("why.message");
}

/** The levels that were tried, if the event has any. */
export function trailOf(event: Event): TrailEntry[] {
  const trail = (event.data as Data | null)?.trail;
  return Array.isArray(trail) ? trail : [];
}

/** A level in words: its target, why, and what came of it. */
export function levelWords(entry: TrailEntry, names: Names): { target: string; why: string; verdict: string } {
  const target = entry.target as { group?: string; agent?: string } | null | undefined;
  const name = target?.group ? names.group(target.group) : target?.agent ? names.agent(target.agent) : entry.named;
  return { target: name, why: t(`why.${entry.state}`, { id: entry.named }), verdict: t(`verdict.${entry.verdict}`) };
}

/** The levels that were tried in one line: each with why it was passed on, the last with what came of it. */
export function trailLine(trail: readonly TrailEntry[], names: Names): string {
  const parts = trail.map((entry, index) => {
    const { target, why, verdict } = levelWords(entry, names);
    return t("event.trail_part", { target, why: index === trail.length - 1 ? verdict : why });
  });
  return parts.join(" → ");
}

/** An event in one line. */
export function eventWords(event: Event, names: Names): string {
  const data = (event.data ?? {}) as Data;
  const agent = names.agent(text(data.agent_id));
  switch (event.type) {
    case "conversation.handoff":
      return t("event.handoff", { why: t(`handoff.${text(data.reason) ?? "robot"}`) });
    case "conversation.robot":
      return t("event.robot");
    case "conversation.assigned":
      if (typeof data.waited_seconds === "number") return t("event.assigned_queue", { agent, t: duration(data.waited_seconds * 1000) });
      return t(data.claimed ? "event.assigned_claimed" : data.transferred ? "event.assigned_transferred" : "event.assigned", { agent });
    case "conversation.queued": {
      const queue = queueName(text(data.queue), names);
      return data.ahead === 0 ? t("event.queued_first", { queue }) : t("event.queued", { queue, n: data.ahead });
    }
    case "leave_message.created":
      return t("event.left");
    case "conversation.accepted":
      return t("event.accepted", { agent });
    case "conversation.transferred": {
      const to = data.to as { agent_id?: string; group_id?: string } | undefined;
      const words = {
        from: names.agent(text(data.by) ?? text(data.from)) || t("event.by_admin"),
        to: to?.agent_id ? names.agent(to.agent_id) : names.group(to?.group_id),
        why: text(data.reason) ?? "",
      };
      return t(words.why ? "event.transferred_why" : "event.transferred", words);
    }
    case "conversation.requeued":
      return t("event.requeued", { agent: names.agent(text(data.from)) });
    case "conversation.overflowed":
      return t("event.overflowed", { why: causeWords(data as RoutingCause, names) });
    case "conversation.idle":
      return t("event.idle");
    case "conversation.closed":
      return `${t("event.closed")} · ${t(`head.by.${text(data.by) ?? "agent"}`)}`;
    case "message.not_said":
      return t("event.not_said");
    default:
      return t("event.unknown_event", { type: event.type });
  }
}
