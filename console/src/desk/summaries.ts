// What was recorded when a conversation was closed, in one line. Pure.
import { oneLine } from "./text";

/** A summary is free JSON: what this page writes is named, any other text of it is shown as it is. */
export function summaryOf(summary: Record<string, unknown> | null | undefined, t: (key: string) => string): string {
  if (!summary) return "";
  const { solved, note, ...rest } = summary;
  const parts = [
    solved === true ? t("close.solved") : solved === false ? t("close.unsolved") : "",
    ...[note, ...Object.values(rest)].map((value) => (typeof value === "string" ? oneLine(value) : "")),
  ];
  return parts.filter(Boolean).join(" · ");
}
