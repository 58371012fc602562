// Starts the bundle as a separate process, on free ports and with a new data folder.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The first of two free consecutive ports: the API uses the first, the simulated WeChat the second. */
async function freePair() {
  const listen = (port) =>
    new Promise((resolve, reject) => {
      const server = createServer().once("error", reject);
      server.listen(port, "127.0.0.1", () => resolve(server));
    });
  const close = (server) => new Promise((resolve) => server.close(resolve));
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const first = await listen(0);
    const { port } = first.address();
    const second = await listen(port + 1).catch(() => null);
    await close(first);
    if (second) {
      await close(second);
      return port;
    }
  }
  throw new Error("no two consecutive ports are free");
}

export async function startBundle() {
  const data = await mkdtemp(join(tmpdir(), "kefu-browser-"));
  const port = await freePair();
  const token = "browser-test-token";
  const api = `http://127.0.0.1:${port}`;
  let child;
  let ended;
  let address;
  const run = () => {
    child = spawn(join(root, "target/debug/local"), ["--port", String(port), "--data", data], {
      env: { ...process.env, KEFU_ADMIN_TOKEN: token },
      stdio: ["ignore", "pipe", "inherit"],
    });
    ended = new Promise((resolve) => child.once("exit", resolve));
    return new Promise((resolve, reject) => {
      child.once("error", (error) => reject(new Error(`run \`cargo build -p local\` first: ${error.message}`)));
      child.once("exit", (code) => reject(new Error(`the bundle ended with ${code}`)));
      // The banner is printed when the API and the simulated WeChat listen. The first address in it is the one to open.
      address = undefined;
      createInterface({ input: child.stdout }).on("line", (line) => {
        address ??= /https?:\S+/.exec(line)?.[0];
        if (line.includes("Ctrl-C")) resolve();
      });
    });
  };
  await run();
  return {
    api,
    phone: `http://127.0.0.1:${port + 1}`,
    /** The first address that the bundle printed at its last start. */
    address: () => address,
    pid: () => child.pid,
    /** Moves the clock of the whole bundle to this far ahead of the machine's. */
    async clock(offset_seconds) {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`http://127.0.0.1:${port + 1}/sim/clock`, { method: "PUT", headers, body: JSON.stringify({ offset_seconds }) });
      if (!response.ok) throw new Error(await response.text());
      return response.json();
    },
    async call(path, options = {}) {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const response = await fetch(api + path, { headers, ...options });
      return response.status === 204 ? null : response.json();
    },
    /** Ends the process as a failure of the machine would. */
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    /** Starts it again on the same ports and data. */
    start: run,
    async stop() {
      child.kill("SIGINT");
      await ended;
      await rm(data, { recursive: true, force: true });
    },
  };
}
