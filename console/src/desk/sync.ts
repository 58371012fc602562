// Keeps the desk up to date: what is shown is read again on hints of the socket, at its pace, and whenever the page may
// have missed something (reconnect, wake, the page becomes visible).
import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import type { Conversation } from "@/api/types";
import { useNow } from "@/app/clock";
import { t } from "@/app/i18n";
import { joinTabs, type Tabs } from "@/sync/leader";
import { connection, pause, SLEPT } from "@/sync/pace";
import { NOTHING, widen, type Hint } from "@/sync/hint";
import { openWire, type Wire } from "@/sync/wire";
import { readDrafts } from "@/sync/drafts";
import { end } from "@/app/session";
import { useAlerts } from "./alerts";
import { useLists } from "./lists";
import { placeOf } from "./standing";
import { useStaff } from "./staff";
import { useThreads } from "./threads";
import { say } from "./toasts";

const HEARTBEAT = 30_000;
/** Hints that come within this time are followed together. */
const TOGETHER = 200;
/** How long after reading the lists they are read again at the earliest, because of hints. */
const LISTS_PACE = 1000;

export const useSync = defineStore("sync", () => {
  const [lists, threads, staff, alerts] = [useLists(), useThreads(), useStaff(), useAlerts()];
  const now = useNow();
  const open = ref<string | null>(null);
  const live = ref(false);
  const failures = ref(0);
  const lastGood = ref(Date.now());
  const visible = ref(!document.hidden);
  const started = ref(false);
  let tabs: Tabs | undefined;
  let wire: Wire | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let heart: ReturnType<typeof setInterval> | undefined;
  let soon: ReturnType<typeof setTimeout> | undefined;
  let reading = false;
  let readAgain = false;
  let namesDue = 0;
  let listsReadAt = 0;
  let scope = NOTHING();
  let soonAt = 0;
  // Whether other tabs have asked for the next reading: then they need not be told what it finds.
  let isTold = true;
  let stopWatching: (() => void)[] = [];

  // `now` makes it count on while no answer comes.
  const state = computed(() => connection(failures.value, Math.max(0, Date.now() - lastGood.value + 0 * now.value)));
  const leader = () => tabs?.leader.value ?? false;

  /** Reads everything that is shown. */
  async function readAll(told = false): Promise<void> {
    if (reading) {
      readAgain = true;
      return;
    }
    reading = true;
    clearTimeout(timer);
    try {
      await readAllOnce(told);
    } finally {
      reading = false;
    }
    if (readAgain) {
      readAgain = false;
      void readAll();
    } else schedule();
  }

  async function readAllOnce(told: boolean): Promise<void> {
    listsReadAt = Date.now();
    const before = alerts.snapshot();
    const views = [...new Set([lists.view, "mine" as const, "waiting" as const])];
    const [good] = await Promise.all([
      Promise.all(views.map((view) => lists.refresh(view))).then((all) => all.every(Boolean)),
      lists.refreshCounts(),
    ]);
    // After the lists, because the conversation may have left them.
    await refreshOpen();
    if (good && state.value !== "good") say("status", t("sync.back"));
    failures.value = good ? 0 : failures.value + 1;
    if (good) lastGood.value = Date.now();
    if (open.value) await threads.refresh(open.value, !lists.conversations.get(open.value)?.revision);
    if (Date.now() > namesDue) {
      namesDue = Date.now() + 60_000;
      void staff.loadMe();
      void staff.loadNames();
    }
    const news = good && alerts.compare(before, leader());
    if (lists.lists.mine.ids.length !== before.mine.size) void staff.loadMe();
    // The leader rings: a tab that saw something first tells it.
    if (news && !leader() && !told) tabs?.tell({ type: "look", hint: null });
    lists.prune(new Set([...threads.threads.keys(), ...(open.value ? [open.value] : [])]));
  }

  /** Reads conversations that the page knows; the lists as well if one of them has another place now. */
  async function readConversations(conversations: ReadonlyMap<string, boolean>, told: boolean): Promise<void> {
    const before = alerts.snapshot();
    const placeOfKnown = (cid: string) => placeOf(lists.conversations.get(cid));
    const answers = await Promise.all(
      [...conversations.keys()].map(async (cid) => {
        const place = placeOfKnown(cid);
        const refusal = await lists.refreshOne(cid);
        return refusal === null && placeOfKnown(cid) === place;
      }),
    );
    if (!answers.every(Boolean)) lookSoon(null, told);
    if (open.value && conversations.has(open.value)) await threads.refresh(open.value, conversations.get(open.value));
    const news = alerts.compare(before, leader());
    if (news && !leader() && !told) tabs?.tell({ type: "look", hint: null });
  }

  /** A heartbeat, and whether the server still counts on the agent. */
  async function present(): Promise<void> {
    const wasAbsent = staff.duty?.present === false;
    const isOffline = !staff.duty || staff.duty.status === "offline";
    // One that has no effect is answered by a hint.
    if (isOffline || !wire?.heartbeat()) await staff.beat();
    if (wasAbsent) await staff.loadMe();
  }

  /** A conversation that is open and in no shown list is read by itself. */
  async function refreshOpen(): Promise<void> {
    const cid = open.value;
    if (cid && !lists.lists[lists.view].ids.includes(cid) && !lists.lists.mine.ids.includes(cid)) await lists.refreshOne(cid);
  }

  function schedule(): void {
    clearTimeout(timer);
    if (!started.value) return;
    const next = pause({ visible: visible.value, leader: leader(), live: live.value, failures: failures.value });
    if (next === null) return;
    const due = Date.now() + next;
    timer = setTimeout(() => {
      // A timer that is far too late means that the computer slept: the socket may be dead without knowing.
      if (Date.now() - due > SLEPT) restartWire();
      void readAll();
    }, next);
  }

  /** Reads what a hint asks for, or the lists, 200 milliseconds from now: once for all that is asked for until then. */
  function lookSoon(hint: Hint | null = null, told = false): void {
    widen(scope, hint, (cid) => lists.conversations.has(cid));
    isTold &&= told;
    lookIn(TOGETHER);
  }

  function lookIn(wait: number): void {
    const due = Date.now() + wait;
    if (soon !== undefined && soonAt <= due) return;
    clearTimeout(soon);
    soonAt = due;
    soon = setTimeout(lookNow, wait);
  }

  function lookNow(): void {
    soon = undefined;
    const [asked, told] = [scope, isTold];
    const wait = listsReadAt + LISTS_PACE - Date.now();
    if (asked.lists && wait <= 0) {
      [scope, isTold] = [NOTHING(), true];
      void readAll(told);
      // The state of a message is no part of the revision by which `readAll` finds what is new.
      if (open.value && asked.conversations.get(open.value)) void threads.refresh(open.value, true);
      return;
    }
    // A conversation does not wait for the pace of the lists.
    [scope, isTold] = [{ conversations: new Map(), lists: asked.lists }, told || !asked.lists];
    if (asked.conversations.size > 0) void readConversations(asked.conversations, told);
    if (asked.lists) lookIn(wait);
  }

  function hinted(hint: Hint): void {
    if (hint.type === "session_ended") return end(true);
    if (hint.type === "duty") void staff.loadMe();
    if (visible.value || leader()) lookSoon(hint);
  }

  function restartWire(): void {
    wire?.stop();
    wire = undefined;
    live.value = false;
    // Only a session has a socket, an access token has none.
    if (leader() && staff.me?.session) {
      wire = openWire({
        hint(hint) {
          tabs?.tell({ type: "look", hint });
          hinted(hint);
        },
        live(is) {
          live.value = is;
          tabs?.tell({ type: "live", live: is });
          if (is) lookSoon();
          else schedule();
        },
      });
    }
  }

  function onVisible(): void {
    visible.value = !document.hidden;
    tellViewing();
    if (visible.value) void readAll();
    else schedule();
  }

  function tellViewing(): void {
    tabs?.tell({ type: "viewing", tab: alerts.tab, cid: visible.value ? open.value : null });
  }

  async function start(who: string): Promise<void> {
    if (started.value) return;
    started.value = true;
    threads.begin(who, await readDrafts(who));
    tabs = joinTabs(who, (word) => {
      if (word.type === "live") {
        live.value = word.live;
        schedule();
      } else if (word.type === "viewing") alerts.viewing(word.tab, word.cid);
      else if (word.type === "hello") {
        if (leader()) tabs?.tell({ type: "live", live: live.value });
      } else if (visible.value || leader()) lookSoon(word.hint, true);
    });
    tabs.tell({ type: "hello" });
    stopWatching = [
      watch(tabs.leader, (is) => {
        if (is) {
          restartWire();
          void present();
        }
        schedule();
      }),
      watch(open, tellViewing),
    ];
    document.addEventListener("visibilitychange", onVisible);
    addEventListener("online", onVisible);
    heart = setInterval(() => leader() && void present(), HEARTBEAT);
    await staff.loadNames(true);
    await readAll();
  }

  function stop(): void {
    started.value = false;
    for (const stopOne of stopWatching) stopOne();
    document.removeEventListener("visibilitychange", onVisible);
    removeEventListener("online", onVisible);
    clearTimeout(timer);
    clearTimeout(soon);
    clearInterval(heart);
    wire?.stop();
    tabs?.stop();
  }

  /** Shows a conversation, or none. */
  async function show(cid: string | null): Promise<void> {
    if (open.value && open.value !== cid) threads.leave(open.value);
    open.value = cid;
    if (!cid) return;
    threads.touch(cid);
    if (!lists.conversations.has(cid)) {
      const refusal = await lists.refreshOne(cid);
      if (refusal) threads.refusals.set(cid, refusal);
    }
    await threads.refresh(cid, true);
  }

  /** Takes over the answer of an action of this page. */
  function acted(conversation: Conversation, ticket: number): void {
    lists.take([conversation], ticket);
    lists.moved(conversation);
    alerts.expect(conversation.cid);
    lookSoon();
    tabs?.tell({ type: "look", hint: null });
  }

  return { open, live, failures, lastGood, state, start, stop, show, readAll, lookSoon, acted };
});
