// Names of visitors and excerpts of messages, in words.
import type { Conversation, LastMessage, Message } from "@/api/types";
import { t } from "@/app/i18n";
import { oneLine, visitorNumber } from "./text";

/** How a visitor is called: as the team calls them, else by the nickname that they claim, else by a number that stays. */
export function nameOf(conversation: Pick<Conversation, "visitor" | "uid">): string {
  const { remark_name, nickname } = conversation.visitor;
  return oneLine(remark_name ?? "") || oneLine(nickname ?? "") || t("face.visitor", { n: visitorNumber(conversation.uid) });
}

/** How a visitor is addressed in a message: by the name that they gave, or not at all. */
export function oneLineName(conversation: Pick<Conversation, "visitor">): string {
  return oneLine(conversation.visitor.nickname ?? "");
}

const KINDS: Record<string, string> = { image: "list.picture", miniprogrampage: "list.card", link: "list.link", event: "list.event", raw: "list.other" };

/** The last message of a conversation in one line. */
export function excerptOf(last: LastMessage | undefined): string {
  if (!last) return "";
  const kind = KINDS[last.type];
  const text = oneLine(last.excerpt ?? "");
  if (kind) return text && last.type !== "raw" ? `${t(kind)} ${text}` : t(kind);
  return text;
}

/** Who wrote a message. */
export function speakerOf(message: Message, myAgent: string | null | undefined): string {
  if (message.direction === "in") return t("msg.visitor");
  const { author } = message;
  switch (author?.role) {
    case "robot":
      return author.name ?? t("msg.robot");
    case "auto_reply":
    case "prompt":
      return t("msg.prompt");
    case "integrator":
      return author.name ?? t("msg.integrator");
    default:
      if (author?.agent_id && author.agent_id === myAgent) return t("msg.you");
      return author?.name ?? t(author?.role === "admin" ? "msg.admin" : author?.role === "supervisor" ? "msg.supervisor" : "msg.person");
  }
}
