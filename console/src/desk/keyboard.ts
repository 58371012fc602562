// The keys of the desk. `code` names the key and not the letter, so input methods and layouts leave them alone.
import { onBeforeUnmount, onMounted } from "vue";
import { preferences } from "@/app/preferences";

/** What the keys do. */
export interface Keys {
  neighbour(step: number): void;
  longest(): void;
  view(index: number): void;
  take(): void;
  transfer(): void;
  close(andNext: boolean): void;
  card(): void;
  note(): void;
  star(): void;
  picture(): void;
  search(): void;
  status(): void;
  region(step: number): void;
  help(): void;
  escape(): void;
}

const isField = (target: EventTarget | null) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** The action of a key, or null. */
export function actionOf(event: Pick<KeyboardEvent, "code" | "key" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey" | "target" | "isComposing">, keys: Keys, dialogOpen: boolean): (() => void) | null {
  if (event.isComposing) return null;
  if (event.key === "F6" && !event.altKey && !event.ctrlKey && !dialogOpen) return () => keys.region(event.shiftKey ? -1 : 1);
  if (dialogOpen) return null;
  if (event.key === "Escape" && !event.altKey && !event.ctrlKey) return () => keys.escape();
  if (event.key === "?" && !event.altKey && !event.ctrlKey && !event.metaKey && !isField(event.target)) return () => keys.help();
  if (event.code === "KeyK" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) return () => keys.search();
  if (!event.altKey || event.ctrlKey || event.metaKey || !preferences.altKeys) return null;
  const digit = /^Digit([0-6])$/.exec(event.code)?.[1];
  if (digit === "0") return () => keys.status();
  if (digit) return () => keys.view(Number(digit) - 1);
  if (event.code === "KeyE") return () => keys.close(event.shiftKey);
  if (event.shiftKey) return null;
  switch (event.code) {
    case "KeyJ":
      return () => keys.neighbour(1);
    case "KeyK":
      return () => keys.neighbour(-1);
    case "KeyN":
      return () => keys.longest();
    case "KeyA":
      return () => keys.take();
    case "KeyT":
      return () => keys.transfer();
    case "KeyG":
      return () => keys.card();
    case "KeyM":
      return () => keys.note();
    case "KeyS":
      return () => keys.star();
    case "KeyI":
      return () => keys.picture();
    default:
      return null;
  }
}

/** Listens while the component is there. */
export function useKeys(keys: Keys): void {
  function onKey(event: KeyboardEvent) {
    // Closed dialogs and menus may still be in the page.
    const dialogOpen = [...document.querySelectorAll(".el-overlay-dialog, .el-dropdown__popper, dialog[open]")].some((element) => element.checkVisibility());
    const action = actionOf(event, keys, dialogOpen);
    if (!action) return;
    event.preventDefault();
    action();
  }
  onMounted(() => addEventListener("keydown", onKey));
  onBeforeUnmount(() => removeEventListener("keydown", onKey));
}
