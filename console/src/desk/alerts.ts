// Tells the agent of what is new: once, by the leader of the tabs.
import { defineStore } from "pinia";
import { ref, watch } from "vue";
import type { Conversation } from "@/api/types";
import { serverNow } from "@/app/clock";
import { t } from "@/app/i18n";
import { badge, notify, notTooOften, ring } from "@/sync/notify";
import { useLists } from "./lists";
import { nameOf } from "./names";
import { chipOf, spokenMinute } from "./quota";
import { useStaff } from "./staff";
import { say } from "./toasts";

/** What the lists had before a look. */
interface Snapshot {
  ready: boolean;
  mine: Map<string, Conversation>;
  waiting: number;
}

export const useAlerts = defineStore("alerts", () => {
  const [lists, staff] = [useLists(), useStaff()];
  const tab = crypto.randomUUID();
  const viewed = new Map<string, string | null>();
  // Conversations that this page took itself: they are no news.
  const expected = new Set<string>();
  const opener = ref<(cid: string) => void>(() => {});
  let spokenAt = serverNow();

  watch(() => lists.unread, badge, { immediate: true });

  function snapshot(): Snapshot {
    return {
      ready: lists.lists.mine.ready && lists.lists.waiting.ready,
      mine: new Map(lists.of("mine").map((conversation) => [conversation.cid, conversation])),
      waiting: lists.lists.waiting.ids.length,
    };
  }

  /** Says what is new since a snapshot. Returns whether anything is. Only the leader rings. */
  function compare(before: Snapshot, leader: boolean): boolean {
    speakEnds();
    if (!before.ready) return false;
    let news = false;
    for (const conversation of lists.of("mine")) {
      const known = before.mine.get(conversation.cid);
      if (!known) {
        if (expected.delete(conversation.cid)) continue;
        news = true;
        say("status", t("notify.assigned", { name: nameOf(conversation) }));
        if (leader) tell("assigned", t("notify.assigned", { name: nameOf(conversation) }), conversation);
      } else if (hasNewMessage(known, conversation)) {
        news = true;
        if (leader && ![...viewed.values()].includes(conversation.cid) && notTooOften(conversation.cid, 10_000)) {
          tell("message", t("notify.message", { name: nameOf(conversation) }), conversation);
        }
      }
    }
    const waiting = lists.lists.waiting.ids.length;
    if (waiting > 0 && before.waiting === 0) {
      news = true;
      if (leader && staff.duty?.status === "online" && notTooOften("queue", 60_000)) {
        ring("queue");
        notify(t("notify.queue", { n: waiting }), "", "queue", () => undefined);
      }
    }
    return news;
  }

  function hasNewMessage(known: Conversation, next: Conversation): boolean {
    if (next.unread !== undefined && known.unread !== undefined) return next.unread > known.unread;
    return next.last_message?.id !== known.last_message?.id && next.last_message?.direction === "in";
  }

  function tell(sound: "assigned" | "message", title: string, conversation: Conversation): void {
    ring(sound);
    notify(title, conversation.last_message?.excerpt ?? "", conversation.cid, () => opener.value(conversation.cid));
  }

  /** Says that a window is about to close, at 60, 10 and 1 minutes, where the visitor waits for an answer. */
  function speakEnds(): void {
    const now = serverNow();
    for (const conversation of lists.of("mine")) {
      if (!conversation.waiting_since) continue;
      const minute = spokenMinute(chipOf(conversation.quota, spokenAt).open, chipOf(conversation.quota, now).open);
      if (minute === null) continue;
      const text = t("quota.ends", { name: nameOf(conversation), n: minute });
      say("status", text);
      if (minute === 10) notify(text, "", conversation.cid, () => opener.value(conversation.cid));
    }
    spokenAt = now;
  }

  function viewing(other: string, cid: string | null): void {
    viewed.set(other, cid);
  }

  return { tab, snapshot, compare, viewing, expect: (cid: string) => expected.add(cid), opener };
});
