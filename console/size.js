// Compares what a browser loads with the budgets, in bytes as they are sent. `npm run build` comes first.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BUDGETS = { first: 200_000, requests: 12, lazy: 160_000, all: 600_000 };

const dist = fileURLToPath(new URL("dist/", import.meta.url));
const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const paths = files.map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll("//", "/"));

/** The bytes that are sent: the brotli twin if there is one. */
function sent(path) {
  const twin = `${path}.br`;
  return statSync(paths.includes(twin) ? twin : path).size;
}

const name = (path) => path.slice(dist.length);
const plain = paths.filter((path) => !path.endsWith(".br"));
const byName = new Map(plain.map((path) => [name(path), path]));

/** The desk with everything that it imports statically or preloads: the first load of an agent. */
function firstLoad() {
  const html = readFileSync(byName.get("index.html"), "utf8");
  const found = new Set(["index.html", "icon.svg"]);
  const add = (asset) => {
    if (found.has(asset) || !byName.has(asset)) return;
    found.add(asset);
    if (!asset.endsWith(".js")) return;
    const source = readFileSync(byName.get(asset), "utf8");
    for (const [, other] of source.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+)["']/g)) add(`assets/${other}`);
  };
  for (const [, asset] of html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)) add(asset);
  for (const asset of byName.keys()) if (/^assets\/(DeskPage|desk)-.*\.(js|css)$/.test(asset)) add(asset);
  return [...found];
}

const first = firstLoad();
const sum = (names) => names.reduce((total, one) => total + sent(byName.get(one)), 0);
const lazy = [...byName.keys()].filter((one) => !first.includes(one));
const largest = lazy.map((one) => [sent(byName.get(one)), one]).sort((one, other) => other[0] - one[0])[0] ?? [0, ""];
const figures = [
  ["first load", sum(first), BUDGETS.first],
  ["requests of the first load", first.length, BUDGETS.requests],
  [`largest lazy file ${largest[1]}`, largest[0], BUDGETS.lazy],
  ["everything", sum([...byName.keys()]), BUDGETS.all],
];
let failed = false;
for (const [what, figure, budget] of figures) {
  const over = figure > budget;
  failed ||= over;
  process.stdout.write(`${over ? "OVER  " : "      "}${what}: ${figure} of ${budget}\n`);
}
process.exitCode = failed ? 1 : 0;
