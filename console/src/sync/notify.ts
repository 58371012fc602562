// Sounds, notifications of the desktop, and the number in the title.
import { ref } from "vue";
import { preferences } from "@/app/preferences";

export type Sound = "message" | "assigned" | "queue";

// Frequencies in hertz, one after the other. The tones are made here, so there is no file to load.
const TONES: Record<Sound, number[]> = { message: [880], assigned: [660, 880], queue: [523, 523] };
const LENGTH = 0.14;

let context: AudioContext | null = null;
/** Whether the browser keeps sounds back until the page is clicked. */
export const locked = ref(true);

/** Lets sounds play, from a click or a key. */
function unlock(): void {
  context ??= new AudioContext();
  void context.resume().then(() => {
    locked.value = context?.state !== "running";
  });
}
for (const event of ["pointerdown", "keydown"]) addEventListener(event, unlock, { once: true, capture: true });

const lastPlayed = new Map<string, number>();

/** Whether something is not repeated before `pause` milliseconds are over. */
export function notTooOften(key: string, pause: number, now = Date.now()): boolean {
  if (now - (lastPlayed.get(key) ?? Number.NEGATIVE_INFINITY) < pause) return false;
  lastPlayed.set(key, now);
  return true;
}

/** Plays a sound, if it is wanted. Counts what was asked for in `data-rings` of the page, for tests. */
export function ring(sound: Sound): void {
  if (preferences.quiet || !preferences.sounds[sound]) return;
  const root = document.documentElement;
  root.dataset.rings = `${root.dataset.rings ?? ""} ${sound}`.trim().split(" ").slice(-20).join(" ");
  if (!context || context.state !== "running") return;
  const start = context.currentTime;
  TONES[sound].forEach((frequency, index) => {
    const [tone, gain] = [context!.createOscillator(), context!.createGain()];
    const at = start + index * (LENGTH + 0.04);
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(preferences.volume / 250, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + LENGTH);
    tone.connect(gain).connect(context!.destination);
    tone.start(at);
    tone.stop(at + LENGTH);
  });
}

/** Shows a notification of the desktop, if they are on and the page is hidden. */
export function notify(title: string, body: string, tag: string, open: () => void): void {
  if (preferences.quiet || !preferences.notifications || !document.hidden) return;
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  const notification = new Notification(title, { body, tag, icon: "/icon.svg" });
  notification.onclick = () => {
    window.focus();
    open();
    notification.close();
  };
}

/** Shows a number in the title and on the app's icon. */
export function badge(count: number): void {
  document.title = count > 0 ? `(${count}) Kefu` : "Kefu";
  const app = navigator as Navigator & { setAppBadge?: (count: number) => Promise<void>; clearAppBadge?: () => Promise<void> };
  void (count > 0 ? app.setAppBadge?.(count) : app.clearAppBadge?.())?.catch(() => undefined);
}
