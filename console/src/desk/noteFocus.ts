import { ref } from "vue";

/** Whether the agent asked to write a note. The tab, which is loaded when it is first shown, takes the focus and answers. */
export const noteWanted = ref(false);
