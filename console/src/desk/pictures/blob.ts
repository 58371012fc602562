// The picture of a message. The page reads it from the API with the session's token and shows it from memory, so that an agent's
// browser sends no request to other servers.
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
