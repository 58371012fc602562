// The text of a refusal: the console's own for each code, because the server's `detail` is in English only.
import type { Refusal } from "@/api/client";
import { t, wordsOf } from "./i18n";

/** Why a call was refused. WeChat's number stands behind our words. */
export function words(refusal: Pick<Refusal, "kind" | "code" | "errcode" | "status">): string {
  if (refusal.kind === "network") return t("problem.network");
  if (refusal.kind === "signed_out") return t("problem.signed_out");
  return codeWords(refusal.code, refusal.errcode, refusal.status);
}

/** The words of a code, with WeChat's number if there is one. */
export function codeWords(code: string | undefined, errcode?: number, status?: number): string {
  const text = (code && wordsOf(code)) || t("problem.unknown", { code: code ?? status ?? "?" });
  return errcode ? `${text} (${errcode})` : text;
}
