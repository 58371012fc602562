// Prints the time in nanoseconds in which wechat-crypto and fast-xml-parser verify, decrypt and parse one push of 600 bytes.

Object.assign(process.env, {
  WECHAT_TOKEN: "k4J8mP2xQ7vT9wZ3",
  WECHAT_AES_KEY: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
  WECHAT_APP_ID: "wx00000000000000a1",
});
// The module reads the environment.
const { crypto, openPush } = await import("./push.js");

const SIZE = 600, PUSHES = 2000, ROUNDS = 9;

function message() {
  const render = (content) =>
    "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><FromUserName><![CDATA[oTEST-user_0001-abcdefghijklm]]>" +
    `</FromUserName><CreateTime>1750000001</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[${content}]]>` +
    "</Content><MsgId>24567890123456789</MsgId></xml>";
  const room = SIZE - Buffer.byteLength(render(""));
  let content = "你好，请问这个订单什么时候发货？".repeat(20);
  while (Buffer.byteLength(content) > room) content = content.slice(0, -1);
  return render(content + "!".repeat(room - Buffer.byteLength(content)));
}

const query = { timestamp: "1750000000", nonce: "77001122" };
const encrypted = crypto.encrypt(message());
query.msg_signature = crypto.getSignature(query.timestamp, query.nonce, encrypted);
const body = `<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`;

const rounds = [];
for (let round = 0; round < ROUNDS; round++) {
  const began = process.cpuUsage();
  for (let push = 0; push < PUSHES; push++) openPush(query, body);
  const { user, system } = process.cpuUsage(began);
  rounds.push(((user + system) * 1000) / PUSHES);
}
console.log(rounds.sort((one, other) => one - other)[(ROUNDS - 1) / 2]);
