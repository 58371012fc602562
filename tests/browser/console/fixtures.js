// A bundle for each worker, and for each test a mini program with a group and agents of its own.
import { test as base, expect } from "@playwright/test";
import { startBundle } from "../bundle.js";

export { expect };

const SECRET = "0123456789abcdef0123456789abcdef";

// Operations that a bundle may lack; the page asks for them and does without. The browser reports each refused request.
const MAY_BE_MISSING = /\/api\/realtime\/ticket|\/messages\/[^/]+\/media$/;

let made = 0;

/** The calls of a test that set up its world. */
export class World {
  constructor(bundle, worker) {
    this.bundle = bundle;
    this.worker = worker;
  }

  post(path, body) {
    return this.bundle.call(path, { method: "POST", body: JSON.stringify(body) });
  }

  async sim(path, body) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(this.bundle.phone + path, { method: "POST", headers, body: JSON.stringify(body) });
    return response.json();
  }

  /** A mini program whose visitors go to a group of these agents. */
  async desk({ agents = ["小林"], group = "售前", capacity = 10, reception = {} } = {}) {
    made += 1;
    const app_id = `wx${String(this.worker).padStart(4, "0")}${String(made).padStart(12, "0")}`;
    const people = [];
    for (const name of agents) {
      const agent = await this.post("/api/agents", { name, capacity });
      const { token } = await this.post("/api/access-tokens", { name, role: "agent", agent_id: agent.id });
      people.push({ ...agent, token });
    }
    const { id: group_id } = await this.post("/api/groups", { name: group, members: people.map(({ id }) => id) });
    await this.sim("/sim/mini-programs", { app_id, app_secret: SECRET });
    const { callback_url, token, encoding_aes_key } = await this.post("/api/bindings", { name: "老林咖啡", app_id, app_secret: SECRET });
    const { verified } = await this.sim("/sim/mini-programs", { app_id, app_secret: SECRET, callback_url, token, encoding_aes_key });
    expect(verified).toBe(true);
    const body = JSON.stringify({ reception: { mode: "agents_only", group_id, ...reception } });
    await this.bundle.call(`/api/bindings/${app_id}`, { method: "PATCH", body });
    return { app_id, group_id, agents: people };
  }

  status(agent, status) {
    return this.bundle.call(`/api/agents/${agent.id}/status`, { method: "PUT", body: JSON.stringify({ status }) });
  }

  /** A visitor of a mini program. */
  visitor(desk, name, more = "") {
    made += 1;
    const openid = `oBROWSER-${this.worker}-${made}`;
    const act = (action, body) => this.sim(`/sim/visitors/${openid}/${action}`, { app_id: desk.app_id, ...body });
    return {
      openid,
      name,
      enter: () => act("enter", { session_from: `sobot|${name}||${more}` }),
      says: (content) => act("text", { content }),
      acts: act,
      /** Sends a body to the simulator as it stands. Returns the status. */
      raw: async (body) => (await fetch(`${this.bundle.phone}/sim/visitors/${openid}/text`, { method: "POST", headers: { "content-type": "application/json" }, body })).status,
      /** What the phone has received. */
      received: async () => {
        const response = await fetch(`${this.bundle.phone}/sim/visitors/${openid}/messages?app_id=${desk.app_id}`);
        const answer = await response.json();
        const items = Array.isArray(answer) ? answer : answer.messages ?? answer.items ?? [];
        return items;
      },
    };
  }

  /** A visitor who has entered and written, and whose conversation has reached a robot, a queue or an agent. */
  async arrives(desk, name, text, more) {
    const visitor = this.visitor(desk, name, more);
    await visitor.enter();
    await visitor.says(text);
    await expect.poll(async () => (await this.conversation(visitor))?.stage ?? "unassigned").not.toBe("unassigned");
    return visitor;
  }

  /** The newest conversation of a visitor. */
  async conversation(visitor) {
    const { items } = await this.bundle.call("/api/conversations?view=all&limit=100");
    return items.find(({ openid }) => openid === visitor.openid);
  }
}

export const test = base.extend({
  /** A bundle of the test's own, whose clock may be moved and which may be killed. */
  ownBundle: async ({}, use) => {
    const bundle = await startBundle();
    await use(bundle);
    await bundle.stop();
  },
  ownWorld: async ({ ownBundle }, use, info) => use(new World(ownBundle, 900 + info.workerIndex)),
  bundle: [
    async ({}, use) => {
      const bundle = await startBundle();
      await use(bundle);
      await bundle.stop();
    },
    { scope: "worker", timeout: 180_000 },
  ],
  world: async ({ bundle }, use, info) => use(new World(bundle, info.workerIndex)),
  /** Opens the console as an agent, in a browser of its own. No page may complain. */
  open: async ({ browser, bundle }, use, info) => {
    const complaints = [];
    const contexts = [];
    const { locale, viewport, timezoneId, hasTouch } = info.project.use;
    const open = async (agent, path = "/desk", options = {}) => {
      const context = options.context ?? (await browser.newContext({ locale, viewport, timezoneId, hasTouch, permissions: ["clipboard-read", "clipboard-write"], ...options }));
      if (!options.context) contexts.push(context);
      // Once for a browser: after signing out it is not signed in again.
      const seed = (token) => {
        // Not in a frame, which is of another origin.
        if (window !== window.top || localStorage.getItem("seeded")) return;
        localStorage.setItem("seeded", "yes");
        localStorage.setItem("kefu.session", JSON.stringify({ token }));
      };
      if (agent) await context.addInitScript(seed, agent.token);
      const page = await context.newPage();
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        const isKnown = options.expected?.test(message.text()) || MAY_BE_MISSING.test(message.location().url);
        if (message.type() === "error" && !isKnown) complaints.push(`${message.text()} ${message.location().url}`);
      });
      await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
      await page.goto(bundle.api + path);
      return page;
    };
    await use(open);
    for (const context of contexts) await context.close();
    expect(complaints, "the page complained").toEqual([]);
  },
});

/** The parts of the desk. */
export const parts = {
  row: (page, name) => page.locator("[role=option][data-cid]").filter({ hasText: name }),
  rows: (page) => page.locator("[role=option][data-cid]"),
  log: (page) => page.getByRole("log"),
  box: (page) => page.locator("#reply"),
  view: (page, view) => page.locator(`[data-view=${view}]`),
  head: (page) => page.locator("main header"),
  note: (page) => page.locator("[data-test=composer-note]"),
  toasts: (page) => page.locator(".toast"),
};

/** Opens the conversation of a visitor and waits for its transcript. */
export async function openRow(page, name) {
  await parts.row(page, name).click();
  await expect(page.locator("main h2").filter({ hasText: name })).toBeVisible();
}

/** Sends a text as an agent does. */
export async function reply(page, text) {
  await parts.box(page).fill(text);
  await parts.box(page).press("Enter");
  await expect(parts.log(page).locator("[data-state=sent]").filter({ hasText: text })).toBeVisible();
}

/** Signs in by a link: only a session has a socket. Returns when the socket is open. */
export async function signIn(open, world, agent, options) {
  const { url } = await world.post(`/api/agents/${agent.id}/sign-in-code`, {});
  const page = await open(null, "/favicon-of-nothing.txt", { expected: /Failed to load resource|WebSocket/, ...options });
  const opened = page.waitForEvent("websocket", { predicate: (socket) => socket.url().includes("ticket=") });
  await page.goto(`${world.bundle.api}/${new URL(url).hash}`);
  const socket = await opened;
  await expect(page.getByRole("button", { name: /我的状态/ })).toBeVisible();
  return { page, socket };
}

/** Closes the dialog by Escape, which it hears once the focus is in it. */
export async function closeDialog(page, dialog = page.getByRole("dialog")) {
  await expect(dialog.locator(":focus").or(dialog.and(page.locator(":focus")))).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
}
