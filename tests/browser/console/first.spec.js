// From the first start to the first reply, with nothing but the bundle.
import { test, expect, parts, openRow, reply } from "./fixtures.js";

test("visitor on the phone asks for a person, the agent answers, the phone shows it", async ({ open, bundle, context }) => {
  const { items } = await bundle.call("/api/agents");
  const agent = items.find(({ name }) => name === "小林");
  const { token } = await bundle.call("/api/access-tokens", { method: "POST", body: JSON.stringify({ name: "小林", role: "agent", agent_id: agent.id }) });
  const desk = await open({ token });
  await desk.getByRole("button", { name: "上线" }).click();
  await expect(desk.getByText("在线", { exact: true }).first()).toBeVisible();

  const phone = await context.newPage();
  await phone.goto(`${bundle.phone}/phone`);
  // Other tests have mini programs of their own.
  await phone.getByRole("button", { name: "切换小程序或访客" }).filter({ visible: true }).first().click();
  await phone.locator("#pick").selectOption("wxde30000000000001");
  await phone.getByRole("button", { name: "完成" }).click();
  await phone.getByRole("button", { name: "联系客服" }).click();
  await phone.getByLabel("消息").fill("转人工");
  await phone.getByRole("button", { name: "发送", exact: true }).click();

  await expect(parts.rows(desk).first()).toBeVisible();
  await expect.poll(() => desk.locator("html").getAttribute("data-rings")).toContain("assigned");
  await parts.rows(desk).first().click();
  await expect(parts.log(desk).getByText("转人工", { exact: true })).toBeVisible();
  await reply(desk, "您好，我是小林，请讲。");
  await expect(phone.getByRole("log").getByText("您好，我是小林，请讲。")).toBeVisible();
  await desk.close();
});

/** The address that signs a browser in as an agent. */
async function link(world, agent) {
  const { url } = await world.post(`/api/agents/${agent.id}/sign-in-code`, {});
  return new URL(url);
}

const status = (page) => page.getByRole("button", { name: /我的状态/ });

test("sign-in link signs in, and its code leaves the address and the history", async ({ open, world }) => {
  const { agents } = await world.desk();
  const { pathname, hash } = await link(world, agents[0]);
  expect(hash).toMatch(/^#sign-in=/);
  const page = await open(null, pathname + hash);
  await expect(status(page)).toBeVisible();
  expect(page.url()).not.toContain("sign-in");
  await page.reload();
  await expect(status(page)).toBeVisible();
  // The entry with the code was replaced, not followed by another.
  expect(await page.evaluate(() => performance.getEntriesByType("navigation")[0].name)).not.toContain("sign-in");
});

test("sign-in link works once, and a used one does not sign out who is signed in", async ({ open, world }) => {
  const { agents } = await world.desk();
  const used = await link(world, agents[0]);
  const first = await open(null, used.pathname + used.hash);
  await expect(status(first)).toBeVisible();
  const second = await open(null, used.pathname + used.hash, { expected: /401/ });
  await expect(second.getByRole("alert")).toContainText("登录链接已经用过或过期");
  const again = await open(null, used.pathname + used.hash, { context: first.context(), expected: /401/ });
  await expect(status(again)).toBeVisible();
  await expect(status(first)).toBeVisible();
});

test("other device is listed and signed out from here", async ({ open, world }) => {
  const { agents } = await world.desk();
  const [here, there] = await Promise.all([link(world, agents[0]), link(world, agents[0])]);
  const page = await open(null, here.pathname + here.hash);
  const other = await open(null, there.pathname + there.hash, { expected: /401|403/, userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605.1.15" });
  for (const one of [page, other]) await expect(status(one)).toBeVisible();
  await page.getByRole("button", { name: "设置" }).filter({ visible: true }).click();
  await expect(page.getByText("本机")).toBeVisible();
  await page.getByRole("button", { name: "退出 Safari · iOS" }).click();
  await expect(page.getByText("Safari · iOS")).toHaveCount(0);
  const left = (await world.bundle.call(`/api/sessions?agent_id=${agents[0].id}`)).items;
  expect(left).toHaveLength(1);
});

test("signing out ends the session", async ({ open, world }) => {
  const { agents } = await world.desk();
  const page = await open(null, ((one) => one.pathname + one.hash)(await link(world, agents[0])), { expected: /401|403/ });
  await expect(status(page)).toBeVisible();
  const sessions = async () => (await world.bundle.call(`/api/sessions?agent_id=${agents[0].id}`)).items;
  expect(await sessions()).toHaveLength(1);
  await page.getByRole("button", { name: "设置" }).filter({ visible: true }).click();
  await page.getByRole("button", { name: "退出登录" }).click();
  await page.getByRole("alert").getByRole("button", { name: "退出登录" }).click();
  await expect(page.getByRole("heading", { name: "登录 Kefu" })).toBeVisible();
  await expect.poll(async () => (await sessions()).length).toBe(0);
});

test("pasted token signs in, and a wrong one is refused in words", async ({ open, world }) => {
  const { agents } = await world.desk();
  const page = await open(null, "/", { expected: /Failed to load resource/ });
  await page.getByText("用访问令牌登录").click();
  await page.getByLabel("访问令牌").fill("not-a-token");
  await page.getByRole("button", { name: "登录", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("这个令牌无效");
  await page.getByLabel("访问令牌").fill(agents[0].token);
  await page.getByRole("button", { name: "登录", exact: true }).click();
  await expect(page.getByRole("button", { name: /我的状态/ })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: /我的状态/ })).toBeVisible();
});

test("token that is taken away leads to the sign-in page, and the draft is kept", async ({ open, world, bundle }) => {
  const desk = await world.desk();
  const [agent] = desk.agents;
  await world.status(agent, "online");
  await world.arrives(desk, "林小满", "在吗");
  const page = await open(agent, "/desk", { expected: /Failed to load resource/ });
  await openRow(page, "林小满");
  await parts.box(page).fill("写了一半");
  await expect(parts.box(page)).toHaveValue("写了一半");
  await page.waitForFunction(() => new Promise((resolve) => {
    const request = indexedDB.open("kefu");
    request.onsuccess = () => {
      const all = request.result.transaction("drafts").objectStore("drafts").getAll();
      all.onsuccess = () => resolve(all.result.some(({ text }) => text === "写了一半"));
    };
  }));
  await page.route("**/api/**", (route) => route.fulfill({ status: 403, json: { message: "Forbidden" } }));
  await expect(page.getByRole("alert")).toContainText("登录已结束");
  await page.unroute("**/api/**");
  await page.getByText("用访问令牌登录").click();
  await page.getByLabel("访问令牌").fill(agent.token);
  await page.getByRole("button", { name: "登录", exact: true }).click();
  await openRow(page, "林小满");
  await expect(parts.box(page)).toHaveValue("写了一半");
  expect(bundle.api).toBeTruthy();
});
