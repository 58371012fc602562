// The quick replies of the caller, read when they are first needed.
import { defineStore } from "pinia";
import { ref, shallowRef } from "vue";
import { readQuickReplies } from "@/api/tools";
import type { Refusal } from "@/api/client";
import type { QuickReply } from "@/api/types";
import { t } from "@/app/i18n";
import { useStaff } from "../staff";

/** For how long the quick replies are shown as they were read, in milliseconds. */
const FRESH = 60_000;

export const useReplies = defineStore("replies", () => {
  const staff = useStaff();
  const replies = shallowRef<QuickReply[]>([]);
  const refusal = shallowRef<Refusal | null>(null);
  const ready = ref(false);
  let readAt = Number.NEGATIVE_INFINITY;

  async function load(now = false): Promise<void> {
    if (!now && performance.now() - readAt < FRESH) return;
    readAt = performance.now();
    const answer = await readQuickReplies();
    if (answer.ok) replies.value = answer.data.items;
    else readAt = Number.NEGATIVE_INFINITY;
    refusal.value = answer.ok ? null : answer.refusal;
    ready.value = true;
  }

  /** The agents who may use a reply, in words. */
  function scopeName(reply: QuickReply): string {
    return reply.scope === "group" ? staff.groupName(reply.group_id) : t(`replies.scope_${reply.scope}`);
  }

  return { replies, refusal, ready, load, scopeName };
});
