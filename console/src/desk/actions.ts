// What an agent does with conversations, with its words.
import { accept, claim, close, transfer } from "@/api/calls";
import type { Refusal } from "@/api/client";
import type { Conversation, View } from "@/api/types";
import { t } from "@/app/i18n";
import { words } from "@/app/problems";
import { nextTicket, useLists } from "./lists";
import { nameOf } from "./names";
import { useStaff } from "./staff";
import { useSync } from "./sync";
import { say } from "./toasts";

/** The actions of the desk. */
export function useActions(show: (cid: string) => void) {
  const [lists, staff, sync] = [useLists(), useStaff(), useSync()];

  async function afterwards(conversation: Conversation, ticket: number): Promise<void> {
    sync.acted(conversation, ticket);
    // The load has changed, and the first conversation of a token gives it an agent.
    await staff.loadMe();
    lists.moved(conversation);
  }

  function refused(refusal: Refusal): void {
    say("alert", words(refusal));
    sync.lookSoon();
  }

  /** Takes a conversation; the words for the loser name the winner. */
  async function take(conversation: Conversation): Promise<boolean> {
    const ticket = nextTicket();
    const answer = await claim(conversation.cid);
    if (answer.ok) {
      await afterwards(answer.data, ticket);
      say("status", t("claim.done", { name: nameOf(answer.data) }));
      return true;
    }
    const { refusal } = answer;
    if (refusal.code === "conversation.taken") {
      const agent = refusal.assignee?.name ?? staff.agentName(refusal.assignee?.agent_id);
      const next = waiting().length > 1;
      say("alert", t(next ? "claim.taken_next" : "claim.taken", { agent }), next ? { label: t("claim.take_next"), run: () => void takeNext() } : undefined);
      await lists.refreshOne(conversation.cid);
      sync.lookSoon();
    } else refused(refusal);
    return false;
  }

  const waiting = () => lists.of("waiting").filter((conversation) => conversation.stage === "queued");

  /** Takes the conversation that waits longest, or the next one if a colleague took that first. */
  async function takeNext(): Promise<void> {
    await lists.refresh("waiting");
    for (const conversation of waiting().slice(0, 5)) {
      const ticket = nextTicket();
      const answer = await claim(conversation.cid);
      if (answer.ok) {
        await afterwards(answer.data, ticket);
        say("status", t("claim.done", { name: nameOf(answer.data) }));
        show(conversation.cid);
        return;
      }
      if (answer.refusal.code !== "conversation.taken" && answer.refusal.code !== "not_found") return refused(answer.refusal);
    }
    say("status", t("list.next_none"));
  }

  async function takeUp(conversation: Conversation): Promise<void> {
    const ticket = nextTicket();
    const answer = await accept(conversation.cid);
    if (answer.ok) await afterwards(answer.data, ticket);
    else refused(answer.refusal);
  }

  async function handOver(conversation: Conversation, to: { agent_id?: string; group_id?: string; reason?: string }): Promise<Refusal | null> {
    const ticket = nextTicket();
    const answer = await transfer(conversation.cid, to);
    if (!answer.ok) return answer.refusal;
    await afterwards(answer.data, ticket);
    say("status", t("transfer.done", { name: to.agent_id ? staff.agentName(to.agent_id) : staff.groupName(to.group_id) }));
    return null;
  }

  async function finish(conversation: Conversation, summary: Record<string, unknown> | null): Promise<Refusal | null> {
    const ticket = nextTicket();
    const answer = await close(conversation.cid, summary);
    if (!answer.ok) return answer.refusal;
    await afterwards(answer.data, ticket);
    say("status", t("close.done"));
    return null;
  }

  /** The conversation `step` places further in the shown list. */
  function neighbour(cid: string | null, step: number): string | null {
    const ids = lists.shown.map((conversation) => conversation.cid);
    const at = cid ? ids.indexOf(cid) : -1;
    return ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + step))] ?? null;
  }

  /** Who waits longest for the caller's answer. */
  function longest(): { view: View; cid: string } | null {
    const [first] = lists.of("mine").filter((conversation) => conversation.waiting_since).sort((one, other) => Date.parse(one.waiting_since!) - Date.parse(other.waiting_since!));
    const mine = first ?? lists.of("mine")[0];
    return mine ? { view: "mine", cid: mine.cid } : null;
  }

  return { take, takeNext, takeUp, handOver, finish, neighbour, longest };
}
