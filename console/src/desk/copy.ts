import { t } from "@/app/i18n";
import { say } from "./toasts";

/** Copies a text and says so. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say("status", t("app.copied"));
  } catch {
    say("alert", t("app.not_copied"));
  }
}
