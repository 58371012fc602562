// The WebSocket: what changes is shown at once, whatever happens to the connection.
import { test, expect, parts, openRow, reply, signIn } from "./fixtures.js";

/** Without a socket the page looks each 5 seconds; with one each minute. So what is there by then came by a hint. */
const SOON = { timeout: 20_000 };

test("message, assignment and colleague's change come over the socket, with no request for each second", async ({ open, world }) => {
  const desk = await world.desk({ agents: ["小林", "小陈"] });
  const [agent, other] = desk.agents;
  await world.status(agent, "online");
  const { page, socket } = await signIn(open, world, agent);
  const frames = [];
  socket.on("framereceived", ({ payload }) => frames.push(String(payload)));
  const visitor = await world.arrives(desk, "林小满", "在吗");
  await expect(parts.row(page, "林小满")).toBeVisible(SOON);
  await openRow(page, "林小满");
  const started = Date.now();
  await visitor.says("一句话");
  await expect(parts.log(page).getByText("一句话")).toBeVisible(SOON);
  const took = Date.now() - started;
  await expect(parts.row(page, "林小满")).not.toContainText("未读");
  await world.status(other, "online");
  const { cid } = await world.conversation(visitor);
  await world.post(`/api/conversations/${cid}/transfer`, { agent_id: other.id, reason: "换人" });
  await expect(parts.note(page)).toContainText("小陈 正在接待", SOON);
  expect(frames.every((frame) => JSON.parse(frame).v === 1)).toBe(true);
  console.log(`from the visitor's text to the agent's screen: ${took} ms`);
});

test("revoked session leaves the desk at once", async ({ open, world }) => {
  const { agents } = await world.desk();
  const { page } = await signIn(open, world, agents[0]);
  const { items } = await world.bundle.call(`/api/sessions?agent_id=${agents[0].id}`);
  await world.bundle.call(`/api/sessions/${items[0].id}`, { method: "DELETE" });
  await expect(page.getByRole("alert")).toContainText("登录已结束", SOON);
});

test("after the server was killed everything is there, once, and new messages come", async ({ open, ownBundle, ownWorld: world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "第一句");
  const { page } = await signIn(open, world, desk.agents[0]);
  await openRow(page, "林小满");
  await reply(page, "收到第一句");
  await ownBundle.kill();
  await expect(page.locator("[data-test=connection]")).toBeVisible();
  await parts.box(page).fill("断线时写的");
  await ownBundle.start();
  await expect(page.locator("[data-test=connection]")).toHaveCount(0, { timeout: 40_000 });
  await expect(parts.box(page)).toHaveValue("断线时写的");
  await visitor.says("第二句");
  await expect(parts.log(page).getByText("第二句", { exact: true })).toBeVisible({ timeout: 40_000 });
  for (const text of ["第一句", "收到第一句", "第二句"]) await expect(parts.log(page).getByText(text, { exact: true })).toHaveCount(1);
  await reply(page, "断线时写的");
});

test("tabs of one agent share one socket, and another takes over when its tab is closed", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const { page: first } = await signIn(open, world, desk.agents[0]);
  let sockets = 0;
  const second = await open(null, "/favicon-of-nothing.txt", { context: first.context(), expected: /Failed to load resource/ });
  second.on("websocket", () => (sockets += 1));
  await second.goto(`${world.bundle.api}/desk`);
  await expect(second.getByText("没有进行中的会话")).toBeVisible();
  const visitor = await world.arrives(desk, "林小满", "在吗");
  for (const page of [first, second]) await expect(parts.row(page, "林小满")).toBeVisible(SOON);
  expect(sockets).toBe(0);
  await first.close();
  await expect.poll(() => sockets, SOON).toBe(1);
  await openRow(second, "林小满");
  await visitor.says("还在吗");
  await expect(parts.log(second).getByText("还在吗")).toBeVisible(SOON);
});

test("marks and notes of a colleague are shown while the conversation is open, without a reload", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "在吗");
  const { page, socket } = await signIn(open, world, desk.agents[0]);
  await openRow(page, "林小满");
  const side = page.getByRole("complementary");
  await side.getByRole("tab", { name: "备注" }).click();
  await expect(side.getByText("还没有备注")).toBeVisible();
  // What comes now comes by a hint.
  await expect(parts.log(page).getByText("在吗")).toBeVisible();
  const of = `/api/bindings/${desk.app_id}/visitors/${visitor.openid}`;
  const change = (body) => world.bundle.call(of, { method: "PATCH", body: JSON.stringify(body) });
  await change({ tags: ["会员"], starred: true, remark_name: "满满" });
  await expect(parts.head(page)).toContainText("满满", SOON);
  await expect(side.locator(".tag .line")).toHaveText(["会员"], SOON);
  const { id } = await world.post(`${of}/notes`, { text: "补发滤纸" });
  await expect(side.locator(".note")).toContainText("补发滤纸", SOON);
  await world.bundle.call(`${of}/notes/${id}`, { method: "DELETE" });
  await expect(side.locator(".note")).toHaveCount(0, SOON);
  expect(socket.isClosed()).toBe(false);
});
