// The server's clock. Countdowns run on it, because the clock of an agent's computer may be wrong.
import { onScopeDispose, ref, type Ref } from "vue";

let offset = 0;

/** Takes over the server's time, in milliseconds or as text. */
export function setServerTime(time: string | number, receivedAt = Date.now()): void {
  const server = typeof time === "number" ? time : Date.parse(time);
  if (Number.isFinite(server)) offset = server - receivedAt;
}

/** The server's time now, in milliseconds. */
export function serverNow(): number {
  return Date.now() + offset;
}

const now = ref(serverNow());
let users = 0;
let timer: ReturnType<typeof setInterval> | undefined;

function tick() {
  now.value = serverNow();
}

function run() {
  clearInterval(timer);
  timer = undefined;
  // A hidden page shows nothing that could be out of date.
  if (users > 0 && !document.hidden) {
    tick();
    timer = setInterval(tick, 1000);
  }
}

/** The server's time, each second while the page is visible. */
export function useNow(): Readonly<Ref<number>> {
  if (users === 0) document.addEventListener("visibilitychange", run);
  users += 1;
  run();
  onScopeDispose(() => {
    users -= 1;
    if (users === 0) document.removeEventListener("visibilitychange", run);
    run();
  });
  return now;
}
