// Which dialog of the desk is open. One at a time; a menu, a key or a pane opens it.
import { shallowRef } from "vue";

/** A dialog with what it is about. */
export type OpenDialog =
  | { name: "transfer" | "close" | "card" | "link" | "block" | "replies" | "keys" | "settings" }
  /** Pictures to be sent. */
  | { name: "picture"; files: File[] }
  /** An earlier conversation, to read. */
  | { name: "history"; cid: string };

export const dialog = shallowRef<OpenDialog | null>(null);

/** Opens a dialog in the place of the one that is open. */
export function openDialog(name: Exclude<OpenDialog["name"], "history" | "picture">): void {
  dialog.value = { name };
}
