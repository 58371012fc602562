// What this browser's user has chosen.
import { reactive, watch } from "vue";

const KEY = "kefu.preferences";

/** The choices. */
export interface Preferences {
  language: "zh-CN" | "en" | null;
  theme: "system" | "light" | "dark";
  sounds: { message: boolean; assigned: boolean; queue: boolean };
  /** 0 to 100. */
  volume: number;
  notifications: boolean;
  quiet: boolean;
  altKeys: boolean;
  enterSends: boolean;
  sort: "waiting" | "newest";
  side: boolean;
  sideTab: string;
  /** In CSS pixels. */
  sideWidth: number;
}

const DEFAULTS: Preferences = {
  language: null,
  theme: "system",
  sounds: { message: true, assigned: true, queue: true },
  volume: 60,
  notifications: false,
  quiet: false,
  altKeys: true,
  enterSends: true,
  sort: "waiting",
  side: true,
  sideTab: "profile",
  sideWidth: 336,
};

/** Keeps of a saved value what has the type of the default. */
function withDefaults<T extends object>(defaults: T, saved: unknown): T {
  const result = { ...defaults };
  if (typeof saved !== "object" || saved === null) return result;
  for (const key of Object.keys(defaults) as (keyof T)[]) {
    const value = (saved as T)[key];
    const expected = defaults[key];
    if (expected === null) {
      if (value === "zh-CN" || value === "en") result[key] = value;
    } else if (typeof expected === "object") result[key] = withDefaults(expected as object, value) as T[keyof T];
    else if (typeof value === typeof expected) result[key] = value;
  }
  return result;
}

function read(): Preferences {
  try {
    return withDefaults(DEFAULTS, JSON.parse(localStorage.getItem(KEY) ?? "null"));
  } catch {
    return withDefaults(DEFAULTS, null);
  }
}

export const preferences = reactive(read());

watch(preferences, (value) => localStorage.setItem(KEY, JSON.stringify(value)));
addEventListener("storage", (event) => {
  if (event.key === KEY) Object.assign(preferences, read());
});
