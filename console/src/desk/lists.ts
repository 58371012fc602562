// The lists of conversations, as the server last gave them.
import { defineStore } from "pinia";
import { computed, reactive, ref, shallowReactive, watch } from "vue";
import { readConversation, readCounts, readView } from "@/api/calls";
import type { Refusal } from "@/api/client";
import { VIEWS, type Conversation, type View, type Visitor } from "@/api/types";
import { preferences } from "@/app/preferences";
import { learn, type Known, type Ticket } from "@/sync/engine";
import { choices, NO_FILTER, passes, queryOf, tagsOf, type Filter } from "./filters";
import { nameOf } from "./names";
import { sorted } from "./standing";
import { useStaff } from "./staff";

/** A list. */
interface List {
  ids: string[];
  /** Whether it was read once. */
  ready: boolean;
  loading: boolean;
  /** Why the last reading failed; what was read before is still shown. */
  refusal: Refusal | null;
  wanted: number;
  more: boolean;
  ticket: Ticket;
}

const STEP = 100;
/** How many conversations stay in memory although no list has them. */
const KNOWN_MAX = 1500;
const newList = (): List => ({ ids: [], ready: false, loading: false, refusal: null, wanted: STEP, more: false, ticket: 0 });

let tickets = 0;
/** The number of a request that starts now. */
export function nextTicket(): Ticket {
  tickets += 1;
  return tickets;
}

export const useLists = defineStore("lists", () => {
  const staff = useStaff();
  const known = new Map<string, Known>();
  /** What is known of each conversation. */
  const conversations = shallowReactive(new Map<string, Conversation>());
  const lists = reactive(Object.fromEntries(VIEWS.map((view) => [view, newList()])) as Record<View, List>);
  const counts = ref<Partial<Record<View, number>>>({});
  const view = ref<View>("mine");
  const queues = ref<Map<string, number>>(new Map());
  const filter = reactive<Filter>({ ...NO_FILTER });

  /** Takes conversations over from an answer; returns the ids of those that changed. */
  function take(found: readonly Conversation[], ticket: Ticket): Set<string> {
    const changed = learn(known, found, ticket);
    for (const cid of changed) conversations.set(cid, known.get(cid)!.conversation);
    return changed;
  }

  /** Reads a list. Returns whether the server answered. */
  async function refresh(name: View): Promise<boolean> {
    const list = lists[name];
    const ticket = nextTicket();
    list.loading = true;
    const answer = await readView(name, list.wanted, queryOf(name, filter));
    if (ticket < list.ticket) return answer.ok;
    list.ticket = ticket;
    list.loading = false;
    if (!answer.ok) {
      list.refusal = answer.refusal;
      return answer.refusal.kind === "api";
    }
    take(answer.data.items, ticket);
    const ids = answer.data.items.map(({ cid }) => cid);
    if (ids.join() !== list.ids.join()) list.ids = ids;
    list.more = !!answer.data.cursor;
    list.ready = true;
    list.refusal = null;
    return true;
  }

  /** Forgets conversations that no list has and that are not in `kept`, once there are many. */
  function prune(kept: ReadonlySet<string>): void {
    if (conversations.size <= KNOWN_MAX) return;
    const listed = new Set(VIEWS.flatMap((name) => lists[name].ids));
    for (const cid of conversations.keys()) {
      if (listed.has(cid) || kept.has(cid)) continue;
      conversations.delete(cid);
      known.delete(cid);
    }
  }

  async function refreshCounts(): Promise<void> {
    const answer = await readCounts();
    if (!answer) return;
    counts.value = answer.views;
    queues.value = answer.queues;
  }

  async function refreshOne(cid: string): Promise<Refusal | null> {
    const ticket = nextTicket();
    const answer = await readConversation(cid);
    if (!answer.ok) return answer.refusal;
    take([answer.data], ticket);
    return null;
  }

  /** Shows a change of a visitor by this page at once, in each of their conversations. */
  function mark(visitor: Visitor): void {
    const { remark_name, tags, starred, blocked } = visitor;
    for (const [cid, entry] of known) {
      if (entry.conversation.uid !== visitor.uid) continue;
      const next = { ...entry.conversation, visitor: { ...entry.conversation.visitor, remark_name, tags, starred, blocked } };
      entry.conversation = next;
      conversations.set(cid, next);
    }
  }

  async function readMore(name: View): Promise<void> {
    const list = lists[name];
    if (!list.more || list.loading) return;
    list.wanted += STEP;
    await refresh(name);
  }

  /** Moves a conversation out of or into the lists after an action of this page, before the next reading. */
  function moved(conversation: Conversation): void {
    const mine = !!staff.me?.agent_id && conversation.assignee?.agent_id === staff.me.agent_id && conversation.state === "open";
    const stays: Partial<Record<View, boolean>> = {
      mine,
      waiting: conversation.stage === "queued",
      left_messages: conversation.stage === "left_message",
      robot: conversation.stage === "robot",
    };
    for (const [name, belongs] of Object.entries(stays) as [View, boolean][]) {
      const { ids } = lists[name];
      if (!belongs && ids.includes(conversation.cid)) lists[name].ids = ids.filter((id) => id !== conversation.cid);
      if (belongs && name === "mine" && !ids.includes(conversation.cid)) lists[name].ids = [...ids, conversation.cid];
    }
  }

  const of = (name: View) => lists[name].ids.flatMap((cid) => conversations.get(cid) ?? []);
  /** The shown list in its order. Queues keep the order in which they are served. */
  const whole = computed(() => {
    const items = of(view.value);
    if (view.value === "mine") return sorted(items, preferences.sort);
    return view.value === "waiting" || view.value === "left_messages" ? items : sorted(items, "newest");
  });
  const shown = computed(() => whole.value.filter((conversation) => passes(conversation, filter, nameOf(conversation))));
  /** The choices of the filter: the values of all known conversations, because a filtered list has the chosen value only. */
  const apps = computed(() => choices([...conversations.values()], "app_id"));
  const groups = computed(() => choices([...conversations.values()], "group_id"));
  const tags = computed(() => tagsOf([...conversations.values()]));

  /** The name of a mini program, if a conversation has told it. */
  function appName(appId: string): string {
    for (const conversation of conversations.values()) if (conversation.app_id === appId && conversation.app_name) return conversation.app_name;
    return appId;
  }

  watch(
    () => JSON.stringify(queryOf(view.value, filter)),
    () => void refresh(view.value),
  );

  function countOf(name: View): number | null {
    const list = lists[name];
    if (name === "mine" && list.ready) return list.ids.length;
    return counts.value[name] ?? (list.ready && !list.more ? list.ids.length : null);
  }

  const unread = computed(() => of("mine").reduce((sum, conversation) => sum + (conversation.unread ?? 0), 0));

  return { conversations, lists, counts, queues, view, filter, shown, whole, apps, groups, tags, appName, unread, of, take, refresh, refreshCounts, refreshOne, mark, readMore, moved, prune, countOf };
});
