// Light, dark, or as the system.
import { watch } from "vue";
import { preferences } from "./preferences";

const dark = matchMedia("(prefers-color-scheme: dark)");

function apply() {
  const isDark = preferences.theme === "dark" || (preferences.theme === "system" && dark.matches);
  document.documentElement.classList.toggle("dark", isDark);
  document.documentElement.classList.toggle("light", !isDark);
}

/** Shows the chosen theme from now on. */
export function followTheme(): void {
  apply();
  dark.addEventListener("change", apply);
  watch(() => preferences.theme, apply);
}
