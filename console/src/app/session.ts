// Who is signed in: a bearer token in the browser's storage. There is no cookie, so no other page can use it.
import { computed, ref } from "vue";

const KEY = "kefu.session";

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
/** Why the page is signed out although nobody asked for it. */
export const ended = ref(false);

/** The bearer token, or null while nobody is signed in. */
export const token = computed(() => session.value?.token ?? null);

export function begin(next: Session): void {
  ended.value = false;
  session.value = { token: next.token, expires_at: next.expires_at };
  localStorage.setItem(KEY, JSON.stringify(session.value));
}

/** Forgets the token. `byServer`: the server does not accept it any more. */
export function end(byServer = false): void {
  if (!session.value) return;
  ended.value = byServer;
  session.value = null;
  localStorage.removeItem(KEY);
}

// Another tab signed in or out.
addEventListener("storage", (event) => {
  if (event.key === KEY || event.key === null) session.value = read();
});
