// Mini program cards: what is checked before sending, and the ones sent lately from this browser.
import type { MiniPage } from "@/api/types";

const KEY = "kefu.cards";
const KEPT = 5;
/** For how many other mini programs cards are kept. */
const APPS_KEPT = 20;

/** The key of the words for what is wrong with a page path, or null. */
export function pathProblem(path: string): "card.needed" | "card.bad_path" | null {
  const text = path.trim();
  if (text === "") return "card.needed";
  return text.startsWith("/") || /\s/.test(text) ? "card.bad_path" : null;
}

/** Whether a text looks like the address of a page or a picture. */
export const isAddress = (text: string) => /^https?:\/\/\S+$/.test(text.trim());

function read(): Record<string, MiniPage[]> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, MiniPage[]>) : {};
  } catch {
    return {};
  }
}

/** The cards that were last sent for a mini program, newest first. */
export function recentCards(appId: string): MiniPage[] {
  const cards = read()[appId];
  return Array.isArray(cards) ? cards.filter((card) => typeof card?.title === "string" && typeof card.pagepath === "string").slice(0, KEPT) : [];
}

/** Keeps a card among those sent lately. */
export function rememberCard(appId: string, card: MiniPage): void {
  const others = recentCards(appId).filter((one) => one.pagepath !== card.pagepath || one.title !== card.title);
  const kept = Object.entries(read()).filter(([id]) => id !== appId).slice(-APPS_KEPT);
  localStorage.setItem(KEY, JSON.stringify({ ...Object.fromEntries(kept), [appId]: [card, ...others].slice(0, KEPT) }));
}
