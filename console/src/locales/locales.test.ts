import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import en from "./en";
import problemsEn from "./problems.en";
import problemsZh from "./problems.zh-CN";
import zhCN from "./zh-CN";

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, prefix = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) => (typeof value === "string" ? [[prefix + key, value] as [string, string]] : flat(value, `${prefix}${key}.`)));
}

const zh = new Map(flat(zhCN as Tree));
const english = new Map(flat(en as Tree));
const holes = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort();

test("both languages have the same keys, and the same parameters in each text", () => {
  expect([...english.keys()].sort()).toEqual([...zh.keys()].sort());
  for (const [key, text] of zh) expect(holes(english.get(key)!), key).toEqual(holes(text));
});

test("no text is empty", () => {
  for (const [key, text] of [...zh, ...english]) expect(text.trim(), key).not.toBe("");
});

test("both languages have words for the same codes", () => {
  expect(Object.keys(problemsEn)).toEqual(Object.keys(problemsZh));
});

/** Every file of the page. */
function sources(folder: URL): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(vue|ts)$/.test(entry.name) && !/\.test\.ts$|\.d\.ts$/.test(entry.name))
    .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, "utf8"));
}

test("every key that the page asks for is there, and every key is asked for", () => {
  const all = sources(new URL("../", import.meta.url));
  const asked = new Set<string>();
  const begun: string[] = [];
  for (const source of all) {
    for (const [, key] of source.matchAll(/["'`]([a-z_]+(?:\.[a-z_]+)+)["'`]/g)) if (zh.has(key!)) asked.add(key!);
    for (const [, key] of source.matchAll(/\bt\(\s*["']([a-z_.]+)["']/g)) expect(zh.has(key!), key).toBe(true);
    for (const [, key] of source.matchAll(/\bt\(\s*`([a-z_.]+)\$\{/g)) begun.push(key!);
  }
  const unused = [...zh.keys()].filter((key) => !asked.has(key) && !begun.some((start) => key.startsWith(start)));
  expect(unused).toEqual([]);
});
