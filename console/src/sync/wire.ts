// The WebSocket half: it only says "look now". Without it, and until it is there, the page polls.
import { WebSocket as Reconnecting } from "partysocket";
import { call } from "@/api/client";
import { hintOf, type Hint } from "./hint";

/** What the wire tells. */
export interface Listener {
  hint(hint: Hint): void;
  live(live: boolean): void;
}

/** A wire that can be closed. */
export interface Wire {
  /** Sends the agent's heartbeat; false while the socket is not open. */
  heartbeat(): boolean;
  stop(): void;
}

const PING = 4 * 60_000;
const RETRY = 60_000;
const TRIES = 3;

/** Opens the socket of a browser's leader tab, and tries again each minute after it failed. */
export function openWire(listener: Listener): Wire {
  let socket: Reconnecting | undefined;
  let ping: ReturnType<typeof setInterval> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let stopped = false;

  const close = () => {
    clearInterval(ping);
    socket?.close();
    socket = undefined;
  };

  const later = () => {
    close();
    clearTimeout(again);
    if (!stopped) again = setTimeout(open, RETRY);
  };

  // Every attempt needs a ticket of its own.
  const address = async (): Promise<string> => {
    const answer = await call<{ url: string; ticket: string }>("POST", "/api/realtime/ticket");
    if (!answer.ok) throw new Error("no ticket");
    const url = new URL(answer.data.url);
    url.searchParams.set("ticket", answer.data.ticket);
    return url.href;
  };

  const open = async () => {
    // A server without the route answers 404: nothing is opened, so that the console stays free of failed sockets.
    const first = await address().catch(() => null);
    if (stopped) return;
    if (first === null) return later();
    let next: string | null = first;
    failures = 0;
    socket = new Reconnecting(
      async () => {
        const url = next ?? (await address());
        next = null;
        return url;
      },
      [],
      { minReconnectionDelay: 1000 + Math.random() * 1000, maxReconnectionDelay: 30_000, reconnectionDelayGrowFactor: 1.7, connectionTimeout: 8000, maxEnqueuedMessages: 0 },
    );
    socket.addEventListener("open", () => {
      failures = 0;
      listener.live(true);
    });
    socket.addEventListener("close", () => {
      listener.live(false);
      failures += 1;
      if (failures >= TRIES) later();
    });
    socket.addEventListener("message", (event) => {
      const hint = hintOf(event.data);
      if (hint) listener.hint(hint);
    });
    ping = setInterval(() => socket?.readyState === 1 && socket.send('{"type":"ping"}'), PING);
  };

  void open();
  return {
    heartbeat() {
      if (socket?.readyState !== 1) return false;
      socket.send('{"type":"heartbeat"}');
      return true;
    },
    stop() {
      stopped = true;
      clearTimeout(again);
      close();
    },
  };
}
