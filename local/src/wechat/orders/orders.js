// The example page. What a page of your own does is the same: read the context, ask its server, send cards.
const element = (id) => document.getElementById(id);
const WORDS = {
  "card.other_conversation": "客服已切换到另一个会话",
  "card.not_yours": "客服没有接待这个会话",
  "card.too_fast": "发得太快，请稍等",
  "quota.exhausted": "微信允许的回复条数已用完",
  "quota.window_closed": "访客超过 48 小时没说话",
  timeout: "工作台没有回应",
};
const STATES = { sent: "卡片已发送", sending: "卡片正在发送", unknown: "不知道是否送达" };

const kefu = KefuFrame.connect({
  onSelected: (selected) => load(selected.context),
  onWindow({ replies_left, ends_at }) {
    const ended = !ends_at || Date.parse(ends_at) <= Date.now();
    element("told").textContent = ended ? "回复窗口已关" : `还能回复 ${replies_left} 条`;
  },
  onClosed: () => problem("会话已结束"),
});

function problem(text) {
  element("problem").textContent = text;
  element("problem").hidden = text === "";
}

let turn = 0;
async function load(context) {
  turn += 1;
  const own = turn;
  problem("");
  element("orders").replaceChildren();
  element("who").textContent = "正在读取…";
  const response = await fetch("/orders/list", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ context }) }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  // The agent has gone on meanwhile.
  if (own !== turn) return;
  if (!response?.ok) {
    element("who").textContent = "";
    return problem(`不能显示订单：${answer?.detail ?? "没有连接"}`);
  }
  const { visitor, orders } = answer;
  element("who").textContent = visitor.partnerid ? `${visitor.partnerid} · ${visitor.verified ? "身份已核实" : "自报身份，未核实"}` : "没有会员号的访客";
  element("orders").replaceChildren(...orders.map(row));
}

function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function row(order) {
  const button = make("button", { type: "button", textContent: "发卡片" });
  button.setAttribute("aria-label", `发送订单 ${order.id} 的卡片`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    problem("");
    try {
      const ack = await kefu.sendCard({ title: order.title, pagepath: order.pagepath, thumbUrl: order.cover, name: "老林咖啡" });
      element("told").textContent = STATES[ack.state];
    } catch (error) {
      problem(`没有发出：${WORDS[error.code] ?? error.message}`);
    }
    button.disabled = false;
  });
  const picture = make("img", { src: "/phone/cover.png", alt: "" });
  const head = make("div", { className: "row" }, make("b", { textContent: order.title }), make("span", { textContent: order.price }));
  const about = make("span", { className: "quiet", textContent: `${order.id} · ${order.state} · ${new Date(order.placed_at).toLocaleDateString("zh-CN")}` });
  return make("li", { className: "order" }, picture, head, make("div", { className: "row" }, about, button));
}

load(kefu.selected.context);
