// Short lines about what has happened. `alert`: a refusal, spoken at once; `status`: spoken when there is a pause.
import { reactive } from "vue";

/** A line, with at most one thing to do. */
export interface Toast {
  id: number;
  kind: "status" | "alert";
  text: string;
  action?: { label: string; run: () => void };
}

export const toasts = reactive<Toast[]>([]);
let ids = 0;

/** Shows a line for some seconds; one with an action stays longer. */
export function say(kind: Toast["kind"], text: string, action?: Toast["action"]): void {
  ids += 1;
  const id = ids;
  toasts.push({ id, kind, text, action });
  if (toasts.length > 4) toasts.shift();
  setTimeout(() => dismiss(id), action ? 12_000 : kind === "alert" ? 8000 : 4000);
}

export function dismiss(id: number): void {
  const index = toasts.findIndex((toast) => toast.id === id);
  if (index >= 0) toasts.splice(index, 1);
}
