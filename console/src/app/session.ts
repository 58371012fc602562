// Who is signed in: a bearer token in the browser's storage. There is no cookie, so no other page can use it.
import { computed, ref } from "vue";

const KEY = "kefu.session";
const ENDED = "kefu.ended";

interface Session {
  token: string;
  /** When the session ends at the latest. */
  expires_at?: string;
}

function read(): Session | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    const token = (value as Session | null)?.token;
    return typeof token === "string" && token !== "" ? (value as Session) : null;
  } catch {
    return null;
  }
}

const session = ref<Session | null>(read());
/** Whether the server ended the last session of this tab. */
export const ended = ref(sessionStorage.getItem(ENDED) !== null);

/** The bearer token, or null in a tab that is not signed in. */
export const token = computed(() => session.value?.token ?? null);

export function begin(next: Session): void {
  ended.value = false;
  sessionStorage.removeItem(ENDED);
  session.value = { token: next.token, expires_at: next.expires_at };
  localStorage.setItem(KEY, JSON.stringify(session.value));
}

/** Forgets the token. `byServer`: the server does not accept it any more. */
export function end(byServer = false): void {
  if (!session.value) return;
  if (byServer) sessionStorage.setItem(ENDED, "");
  session.value = null;
  localStorage.removeItem(KEY);
}

// Another tab signed in or out.
addEventListener("storage", (event) => {
  if (event.key === KEY || event.key === null) session.value = read();
});
