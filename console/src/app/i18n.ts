// The page's words. Chinese is in the first load; English is loaded when it is chosen.
import { createI18n } from "vue-i18n";
import zhCN from "@/locales/zh-CN";
import problemsZh from "@/locales/problems.zh-CN";
import { preferences } from "./preferences";

export type Language = "zh-CN" | "en";

export const i18n = createI18n({
  legacy: false,
  locale: "zh-CN",
  fallbackLocale: "zh-CN",
  // A missing key is an error that a test finds; the page shows the Chinese text.
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
  messages: { "zh-CN": zhCN } as never,
});

const problems: Record<string, Record<string, string>> = { "zh-CN": problemsZh };

/** The language to begin with: the chosen one, else the browser's. */
export function initialLanguage(): Language {
  return preferences.language ?? (navigator.languages.find((tag) => /^(zh|en)\b/.test(tag))?.startsWith("en") ? "en" : "zh-CN");
}

/** Shows the page in a language. */
export async function setLanguage(language: Language): Promise<void> {
  if (language === "en" && !problems.en) {
    const [words, codes] = await Promise.all([import("@/locales/en"), import("@/locales/problems.en")]);
    i18n.global.setLocaleMessage("en", words.default as never);
    problems.en = codes.default;
  }
  (i18n.global.locale as unknown as { value: string }).value = language;
  document.documentElement.lang = language;
}

/** The page's language. */
export function language(): Language {
  return (i18n.global.locale as unknown as { value: Language }).value;
}

/** `t` outside of components. */
const composer: unknown = i18n.global;
export const t = (composer as { t: unknown }).t as (key: string, parameters?: Record<string, unknown>) => string;

/** The words for a code of the API, or undefined. */
export function wordsOf(code: string): string | undefined {
  return problems[language()]?.[code] ?? problems["zh-CN"]?.[code];
}
