// The transcripts in memory, and texts on their way to the server.
import { defineStore } from "pinia";
import { reactive, shallowReactive } from "vue";
import { readEvents, readMessages, sendText } from "@/api/calls";
import type { Refusal } from "@/api/client";
import type { Conversation, Message } from "@/api/types";
import { words } from "@/app/problems";
import { eventsWithoutGap, isBehind, meets, merge, MESSAGES_KEPT, newThread, revisionOf, type Thread } from "@/sync/engine";
import { saveDraft, type Draft } from "@/sync/drafts";
import { useLists } from "./lists";
import type { Outgoing } from "./timeline";

/** How many transcripts stay in memory; the least recently shown go first. */
const THREADS_KEPT = 20;
const PAGES_MAX = 40;

export const useThreads = defineStore("threads", () => {
  const lists = useLists();
  const threads = shallowReactive(new Map<string, Thread>());
  const refusals = shallowReactive(new Map<string, Refusal>());
  const outgoing = reactive(new Map<string, Outgoing[]>());
  const drafts = reactive(new Map<string, Draft>());
  const busy = new Set<string>();
  const again = new Set<string>();
  let who = "";

  /** Shows a conversation: its thread is the last to leave memory. */
  function touch(cid: string): Thread {
    const thread = threads.get(cid) ?? newThread(cid);
    threads.delete(cid);
    threads.set(cid, thread);
    const oldest = [...threads.keys()].slice(0, -THREADS_KEPT);
    for (const old of oldest) threads.delete(old);
    return thread;
  }

  /** Leaves a conversation. */
  function leave(cid: string): void {
    const thread = threads.get(cid);
    // A long one is read anew when it is opened again.
    if (thread && thread.messages.size > MESSAGES_KEPT) threads.delete(cid);
  }

  function put(cid: string, messages: readonly Message[], events: Parameters<typeof merge>[2] = []): void {
    const thread = threads.get(cid) ?? newThread(cid);
    const next = merge(thread, messages, events);
    if (next !== thread) threads.set(cid, next);
  }

  /** Reads what a shown thread misses. One reading at a time; a call meanwhile leads to one more. */
  async function refresh(cid: string, force = false): Promise<void> {
    const conversation = lists.conversations.get(cid);
    if (!conversation || (!force && !isBehind(threads.get(cid), conversation))) return;
    if (busy.has(cid)) {
      again.add(cid);
      return;
    }
    busy.add(cid);
    try {
      await readNewest(conversation);
    } finally {
      busy.delete(cid);
    }
    if (again.delete(cid)) await refresh(cid);
  }

  async function readNewest(conversation: Conversation): Promise<void> {
    const { cid } = conversation;
    const revision = revisionOf(conversation);
    let cursor: string | undefined;
    // Goes back until it meets what is known, however much was missed.
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const answer = await readMessages(cid, cursor);
      if (!answer.ok) {
        refusals.set(cid, answer.refusal);
        return;
      }
      const thread = threads.get(cid) ?? newThread(cid);
      const { items } = answer.data;
      cursor = answer.data.cursor ?? undefined;
      const isFirst = thread.messages.size === 0;
      const done = !cursor || (isFirst ? items.length > 0 : meets(thread, items));
      put(cid, items);
      if (isFirst || !cursor) mark(cid, cursor);
      if (done) break;
    }
    if (eventsWithoutGap(threads.get(cid) ?? newThread(cid)) < conversation.seq) {
      const events = await readEvents(cid);
      if (events.ok) put(cid, [], events.data);
    }
    refusals.delete(cid);
    threads.set(cid, { ...(threads.get(cid) ?? newThread(cid)), fetchedAt: revision });
  }

  /** Reads the page before the first known message. */
  async function readOlder(cid: string): Promise<void> {
    const thread = threads.get(cid);
    if (!thread || thread.complete || busy.has(`older ${cid}`)) return;
    busy.add(`older ${cid}`);
    let cursor = thread.older ?? undefined;
    for (let page = 0; cursor && page < PAGES_MAX; page += 1) {
      const answer: Awaited<ReturnType<typeof readMessages>> = await readMessages(cid, cursor);
      if (!answer.ok || !threads.has(cid)) break;
      cursor = answer.data.cursor ?? undefined;
      put(cid, answer.data.items);
      mark(cid, cursor);
      if (answer.data.items.length > 0) break;
    }
    busy.delete(`older ${cid}`);
  }

  /** Notes where the page before begins; without one the first message is known. */
  function mark(cid: string, cursor: string | undefined): void {
    threads.set(cid, { ...(threads.get(cid) ?? newThread(cid)), older: cursor ?? null, complete: !cursor });
  }

  function begin(caller: string, saved: Map<string, Draft>): void {
    who = caller;
    for (const [cid, draft] of saved) {
      drafts.set(cid, { text: draft.text });
      // A text whose answer never came may have been sent: it is offered again under the same key.
      for (const { key, text } of draft.sending ?? []) {
        if (!outgoing.get(cid)?.some((known) => known.key === key)) add(cid, { key, text, state: "refused", why: words({ kind: "network" }) });
      }
    }
  }

  function add(cid: string, text: Outgoing): void {
    outgoing.set(cid, [...(outgoing.get(cid) ?? []), text]);
  }

  function setDraft(cid: string, text: string): void {
    drafts.set(cid, { text });
    save(cid);
  }

  function save(cid: string): void {
    const sending = (outgoing.get(cid) ?? []).map(({ key, text }) => ({ key, text }));
    void saveDraft(who, cid, { text: drafts.get(cid)?.text ?? "", sending });
  }

  function drop(cid: string, key: string): void {
    const left = (outgoing.get(cid) ?? []).filter((text) => text.key !== key);
    if (left.length > 0) outgoing.set(cid, left);
    else outgoing.delete(cid);
    save(cid);
  }

  /** Sends a text. It stands at the end until the server has answered. */
  async function send(cid: string, content: string, key: string = crypto.randomUUID()): Promise<Refusal | null> {
    const known = outgoing.get(cid)?.find((text) => text.key === key);
    if (known) Object.assign(known, { state: "sending", why: undefined });
    else add(cid, { key, text: content, state: "sending" });
    save(cid);
    const answer = await sendText(cid, key, content);
    if (answer.ok) {
      put(cid, [answer.data]);
      drop(cid, key);
      return null;
    }
    const { refusal } = answer;
    if (refusal.message_id) {
      // The server keeps the text as failed, with the reason.
      await refresh(cid, true);
      drop(cid, key);
    } else {
      const text = outgoing.get(cid)?.find((text) => text.key === key);
      if (text) Object.assign(text, { state: "refused", why: words(refusal) });
    }
    return refusal;
  }

  return { threads, refusals, outgoing, drafts, touch, leave, put, refresh, readOlder, begin, setDraft, save, drop, send };
});
