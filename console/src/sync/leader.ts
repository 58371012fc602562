// One tab of the browser holds the socket, sends heartbeats, rings and notifies. The others hear it.
import { ref, type Ref } from "vue";
import type { Hint } from "./hint";

/** What tabs tell each other. */
export type Word =
  | { type: "live"; live: boolean }
  | { type: "look"; hint: Hint | null }
  | { type: "viewing"; tab: string; cid: string | null }
  | { type: "hello" };

/** The tabs of one browser that are signed in as one caller. */
export interface Tabs {
  /** Whether this tab is the leader. */
  leader: Readonly<Ref<boolean>>;
  tell(word: Word): void;
  stop(): void;
}

/** Joins the tabs of `who`. `heard` gets what other tabs tell. */
export function joinTabs(who: string, heard: (word: Word) => void): Tabs {
  const leader = ref(false);
  const channel = new BroadcastChannel(`kefu ${who}`);
  channel.onmessage = (event: MessageEvent<Word>) => heard(event.data);
  const stop = new AbortController();
  let release = () => {};
  // The lock is given to the next tab when this one is closed.
  navigator.locks
    ?.request(`kefu ${who}`, { signal: stop.signal }, () => {
      leader.value = true;
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    })
    .catch(() => undefined);
  if (!navigator.locks) leader.value = true;
  return {
    leader,
    tell: (word) => channel.postMessage(word),
    stop() {
      stop.abort();
      release();
      leader.value = false;
      channel.close();
    },
  };
}
