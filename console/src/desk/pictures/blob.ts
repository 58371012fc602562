// The picture of a message. It is fetched with the session and shown from memory: an agent's browser asks no server but ours.
import { onBeforeUnmount, ref } from "vue";
import { readPicture } from "@/api/tools";
import type { Refusal } from "@/api/client";

/** The picture of a message; its memory is given back with the component. `url` is empty until it is there. */
export function usePicture(cid: string, id: string) {
  const url = ref("");
  const refusal = ref<Refusal | null>(null);
  let gone = false;

  async function load() {
    refusal.value = null;
    const answer = await readPicture(cid, id);
    if (gone) return;
    if (answer.ok) url.value = URL.createObjectURL(answer.data);
    else refusal.value = answer.refusal;
  }
  void load();

  onBeforeUnmount(() => {
    gone = true;
    if (url.value) URL.revokeObjectURL(url.value);
  });
  return { url, refusal, load };
}
