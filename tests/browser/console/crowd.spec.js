// Two agents and ten visitors at once.
import { test, expect, parts, openRow, reply } from "./fixtures.js";

test("two agents answer ten visitors at once, and each phone gets its own answer, once", async ({ open, world }) => {
  const desk = await world.desk({ agents: ["小林", "小陈"], capacity: 5 });
  for (const agent of desk.agents) await world.status(agent, "online");
  const pages = await Promise.all(desk.agents.map((agent) => open(agent)));
  const names = Array.from({ length: 10 }, (_, index) => `访客${String.fromCharCode(65 + index)}`);
  const visitors = names.map((name) => world.visitor(desk, name));
  await Promise.all(
    visitors.map(async (visitor) => {
      await visitor.enter();
      for (const text of ["一", "二", "三"]) await visitor.says(`${visitor.name} 第${text}句`);
    }),
  );
  for (const page of pages) await expect(parts.rows(page)).toHaveCount(5);
  const mine = await Promise.all(pages.map((page) => parts.rows(page).evaluateAll((rows) => rows.map((row) => /访客[A-J]/.exec(row.textContent)[0]))));
  expect(mine.flat().sort()).toEqual(names);
  await Promise.all(
    pages.map(async (page, index) => {
      for (const name of mine[index]) {
        await openRow(page, name);
        for (const text of ["一", "二", "三"]) await expect(parts.log(page).getByText(`${name} 第${text}句`)).toHaveCount(1);
        await reply(page, `给${name}的回复`);
      }
    }),
  );
  for (const visitor of visitors) {
    const received = JSON.stringify(await visitor.received()).match(/给访客[A-J]的回复/g);
    expect(received).toEqual([`给${visitor.name}的回复`]);
  }
});

test("conversation that is claimed by two at the same moment has one agent", async ({ open, world }) => {
  const desk = await world.desk({ agents: ["小林", "小陈"] });
  for (const agent of desk.agents) await world.status(agent, "busy");
  const visitor = await world.arrives(desk, "抢着接的", "有人吗");
  const pages = await Promise.all(desk.agents.map((agent) => open(agent, "/desk", { expected: /409/ })));
  for (const page of pages) {
    await parts.view(page, "waiting").click();
    await openRow(page, "抢着接的");
  }
  const buttons = pages.map((page) => parts.head(page).getByRole("button", { name: "接入" }));
  await Promise.all(buttons.map((button) => expect(button).toBeVisible()));
  // Both clicks are on their way before either is answered.
  await Promise.all(buttons.map((button) => button.evaluate((element) => element.click())));
  await expect.poll(async () => (await world.conversation(visitor)).assignee?.agent_id).toBeTruthy();
  const { assignee } = await world.conversation(visitor);
  const won = desk.agents.findIndex(({ id }) => id === assignee.agent_id);
  await expect(parts.note(pages[1 - won])).toContainText(`${desk.agents[won].name} 正在接待`);
  await reply(pages[won], "我来接待");
});
