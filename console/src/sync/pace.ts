// When to look for changes. Pure.

/** How this tab learns of changes. */
export interface Standing {
  /** Whether the page is visible. */
  visible: boolean;
  /** Whether this tab rings and keeps the agent present. */
  leader: boolean;
  /** Whether a WebSocket tells of changes, in this tab or in the leader's. */
  live: boolean;
  /** How many calls in a row had no answer. */
  failures: number;
}

const SECOND = 1000;

/** Milliseconds until the next look at the lists; null for a tab that does not look by itself. */
export function pause({ visible, leader, live, failures }: Standing): number | null {
  if (!visible && !leader) return null;
  const base = live ? 60 * SECOND : visible ? 5 * SECOND : 30 * SECOND;
  // After failures the page looks at 1, 2, 4, … 30 seconds, so that it is back soon after a short break.
  return failures > 0 ? Math.min(SECOND * 2 ** (failures - 1), 30 * SECOND) : base;
}

/** How late a timer must be to mean that the computer slept. */
export const SLEPT = 10 * SECOND;

/** What is said of the connection. */
export type Connection = "good" | "reconnecting" | "stale" | "gone";

/** What to say `since` milliseconds after the last good answer, with calls failing. */
export function connection(failures: number, since: number): Connection {
  if (failures === 0 || since < 3 * SECOND) return "good";
  if (since < 30 * SECOND) return "reconnecting";
  return since < 90 * SECOND ? "stale" : "gone";
}
