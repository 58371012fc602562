// The quota of replies, in words. WeChat takes 5 replies for each message of the visitor, within 48 hours. Pure.
import type { Quota } from "@/api/types";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What a chip shows. `key` and its parameters are for `t`. */
export interface Chip {
  level: "good" | "warn" | "bad";
  key: "quota.left" | "quota.maybe" | "quota.none" | "quota.closed";
  left: number;
  maybe: number;
  /** How long the window is open, in milliseconds; 0 if it is closed. */
  open: number;
}

/** The chip of a quota at this time of the server. */
export function chipOf(quota: Quota, now: number): Chip {
  const end = quota.window_ends_at ? Date.parse(quota.window_ends_at) : Number.NaN;
  const open = Number.isFinite(end) ? Math.max(0, end - now) : 0;
  const { replies_left: left, maybe } = quota;
  if (open === 0) return { level: "bad", key: "quota.closed", left: 0, maybe: 0, open };
  if (left === 0 && maybe === 0) return { level: "bad", key: "quota.none", left, maybe, open };
  const level = left === 0 ? "bad" : left === 1 || open < HOUR ? "warn" : "good";
  return { level, key: maybe > 0 ? "quota.maybe" : "quota.left", left, maybe, open };
}

/** A duration as `46:12` (hours and minutes), or as minutes below an hour. */
export function span(milliseconds: number): { hours: number; minutes: number; text: string | null } {
  const total = Math.max(0, Math.floor(milliseconds / MINUTE));
  const [hours, minutes] = [Math.floor(total / 60), total % 60];
  return { hours, minutes, text: hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}` : null };
}

/** The minutes at which the end of a window is spoken. */
const SPOKEN = [60, 10, 1];

/** The minute to speak when the time left goes from `before` to `after`, or null. */
export function spokenMinute(before: number, after: number): number | null {
  if (after <= 0) return null;
  return SPOKEN.find((minute) => before > minute * MINUTE && after <= minute * MINUTE) ?? null;
}
