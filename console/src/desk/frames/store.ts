// The configured frames, read once when a profile is first shown, and again each ten minutes.
import { defineStore } from "pinia";
import { shallowRef } from "vue";
import { readFrames } from "@/api/tools";
import type { Frame } from "@/api/types";
import { originOf } from "./protocol";

const FRESH = 600_000;

/** A frame with the origin that its messages come from. */
export interface Shown {
  frame: Frame;
  origin: string;
}

export const useFrames = defineStore("frames", () => {
  const frames = shallowRef<Shown[]>([]);
  let readAt = Number.NEGATIVE_INFINITY;

  async function load(): Promise<void> {
    if (performance.now() - readAt < FRESH) return;
    readAt = performance.now();
    const answer = await readFrames();
    if (!answer.ok) {
      // The next profile that is shown asks again.
      readAt = Number.NEGATIVE_INFINITY;
      return;
    }
    const found = answer.data.items.flatMap((frame) => {
      const origin = originOf(frame.url, location.origin);
      return origin ? [{ frame, origin }] : [];
    });
    // An unchanged list keeps its objects, so that no page is loaded again.
    if (JSON.stringify(found) !== JSON.stringify(frames.value)) frames.value = found;
  }

  return { frames, load };
});
