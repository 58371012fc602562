import { nextTick } from "vue";

/** Puts the focus on the first of these elements that is there, where a control goes that has it: outside of a dialog no key would reach it. */
export async function focusOn(...ids: string[]): Promise<void> {
  await nextTick();
  ids.map((id) => document.getElementById(id)).find((element) => element)?.focus();
}
