// After a deployment a page that is still open may ask for a part that is gone.
import { ref } from "vue";
import { router } from "./router";

/** Whether a newer version is served. */
export const outdated = ref(false);

/** Tells of a new version, and takes it with the next change of page; never while a text is written. */
export function watchForNewVersion(): void {
  addEventListener("vite:preloadError", (event) => {
    event.preventDefault();
    outdated.value = true;
  });
  router.beforeEach((to, from) => {
    const writing = document.activeElement instanceof HTMLTextAreaElement && document.activeElement.value !== "";
    if (!outdated.value || writing || to.path === from.path) return true;
    location.assign(to.fullPath);
    return false;
  });
}
