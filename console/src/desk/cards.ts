// Mini program cards: what is checked before sending, and the ones sent lately from this browser.
import type { MiniPage } from "@/api/types";

const KEY = "kefu.cards";
const KEPT = 5;

/** The key of the words for what is wrong with a page path, or null. */
export function pathProblem(path: string): "card.needed" | "card.bad_path" | null {
  const text = path.trim();
  if (text === "") return "card.needed";
  return text.startsWith("/") || /\s/.test(text) ? "card.bad_path" : null;
}

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
  return Array.isArray(cards) ? cards.filter((card) => typeof card?.title === "string" && typeof card.pagepath === "string") : [];
}

/** Keeps a card among those sent lately. */
export function rememberCard(appId: string, card: MiniPage): void {
  const others = recentCards(appId).filter((one) => one.pagepath !== card.pagepath || one.title !== card.title);
  localStorage.setItem(KEY, JSON.stringify({ ...read(), [appId]: [card, ...others].slice(0, KEPT) }));
}
