// Times and spans in the page's language.
import { language, t } from "./i18n";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language() + JSON.stringify(options);
  let known = formats.get(key);
  if (!known) formats.set(key, (known = new Intl.DateTimeFormat(language(), options)));
  return known;
}

/** `14:02`. */
export function clockTime(time: string): string {
  return format({ hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(time));
}

/** The date and time in full. */
export function fullTime(time: string): string {
  return format({ dateStyle: "medium", timeStyle: "medium" }).format(new Date(time));
}

/** A day as a heading. */
export function day(time: string): string {
  return format({ month: "long", day: "numeric", weekday: "short" }).format(new Date(time));
}

/** A time today as `14:02`, an earlier one as a date. */
export function shortTime(time: string, now: number): string {
  const [then, today] = [new Date(time), new Date(now)];
  if (then.toDateString() === today.toDateString()) return clockTime(time);
  return format({ month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false }).format(then);
}

/** How long something lasts, coarse: `20 秒`, `3 分`, `2 小时 5 分`, `3 天`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return t("time.seconds", { n: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t("time.minutes", { n: minutes });
  if (minutes < 2880) return t("time.hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
  return t("time.days", { n: Math.floor(minutes / 1440) });
}

/** The viewer's time zone, where it is not that of China. */
export function foreignZone(): string | null {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone === "Asia/Shanghai" || zone === "PRC" ? null : zone;
}
