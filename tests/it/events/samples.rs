//! Builds the sample events in the forms of API Gateway, DynamoDB Streams and EventBridge Scheduler, with invented
//! credentials. All values are fixed, so that the files are reproducible.

mod api;
mod console;
mod pushes;
mod request;
mod sockets;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use store::ManualClock;

use self::{
    api::{api, authorizer, card},
    console::console,
    pushes::{check, push, pushes, text},
};
use crate::support::push::sign;
use crate::support::{ADMIN, Binding, World, inserted, queued};

/// The mini program of the samples and its push credentials, all of them invented.
pub(super) const APP: &str = "wx00000000000000a1";
const TOKEN: &str = "SampleToken2026";
const KEY: &str = "SampleKeySampleKeySampleKeySampleKeySample9";
const PREVIOUS_KEY: &str = "BeforeKeyBeforeKeyBeforeKeyBeforeKeyBefore9";

/// The visitor.
pub(super) const OPENID: &str = "oSAMPLE-visitor-000000000001";

/// The automatic reply.
pub(super) const HELLO: &str = "您好，已收到您的消息。";

pub(super) const SESSION_FROM: &str =
    "sobot|小王|https://thirdwx.qlogo.example/0|{\"page\":\"item\",\"item_id\":\"7\"}|partnerid=member-7";

/// Placeholder of a robot's id, which is random.
pub(super) const ROBOT: &str = "r00000000000a";

/// The robot's answer to the text.
pub(super) const ANSWER: &str = "请告诉我订单号。";

/// Placeholder of the simulator's origin, which differs between runs.
const WECHAT: &str = "{{wechat}}";

const BEGINNING: i64 = 1_772_438_400;
const HOST: &str = "kefu.example.com";

/// Creates the binding of the samples in a new bundle.
pub(super) async fn bind_unverified(world: &World) -> Binding {
    let body = json!({
        "name": "示例小程序", "app_id": APP, "app_secret": "0123456789abcdef0123456789abcdef", "token": TOKEN,
        "encoding_aes_key": PREVIOUS_KEY, "auto_reply": HELLO,
    });
    world.post("/api/bindings", &body).await.expect(201);
    world.patch(&format!("/api/bindings/{APP}"), &json!({ "encoding_aes_key": KEY })).await.expect(200);
    binding()
}

/// The same, also registered at the simulator.
pub(super) async fn bind(world: &World) -> Binding {
    let binding = bind_unverified(world).await;
    let console = json!({
        "app_id": APP, "token": TOKEN, "encoding_aes_key": KEY, "check": false,
        "callback_url": format!("{}/callback/{APP}", world.bundle.api_url()),
    });
    world.sim_post("/sim/mini-programs", &console).await.expect(200);
    binding
}

/// Adds a robot that can answer the text; returns its id.
pub(super) async fn with_robot(world: &World) -> String {
    let robot = world.faq_robot(&[("order", "我想问一下订单", ANSWER)]).await;
    let reception = json!({ "reception": { "mode": "robot_first", "robot_id": robot } });
    world.patch(&format!("/api/bindings/{APP}"), &reception).await.expect(200);
    robot
}

fn binding() -> Binding {
    Binding {
        app_id: APP.to_owned(),
        token: TOKEN.to_owned(),
        key: KEY.to_owned(),
        callback_url: format!("https://{HOST}/callback/{APP}"),
        clock: Arc::new(ManualClock::new(Timestamp::constant(BEGINNING, 0))),
    }
}

/// A sample with the origin of the running simulator filled in.
pub(super) fn at(world: &World, sample: &Value) -> Value {
    serde_json::from_str(&sample.to_string().replace(WECHAT, world.bundle.wechat_url())).unwrap()
}

/// All samples, named `function/case`.
pub(super) async fn all() -> Vec<(String, Value)> {
    let tick = json!({ "tick": "minute" });
    let (inbound, cid) = text_and_conversation().await;
    let waiting = waiting_conversation().await;
    let mut samples = vec![
        ("callback-verify/verify", check(&sign(&[TOKEN, "1772438400", "1514711492"]))),
        ("callback-verify/wrong-signature", check("f464b24fc39322e44b38aa78f5edd27bd1441696")),
        ("reception/inbound", inbound.clone()),
        ("reception/tick", tick.clone()),
        ("reception/backlog", backlog(&inbound)),
        ("reception/picture", queued(&[json!({ "app_id": APP, "openid": OPENID, "picture": "1772438400-m1" })])),
        ("reception/timer", queued(&[timer(&cid)])),
        ("fan-out/turn", inserted(std::slice::from_ref(&waiting))),
        ("fan-out/timer", inserted(&[timed(&waiting)])),
        ("robot/turn", queued(&[json!({ "cid": waiting["cid"]["S"] })])),
        ("token-refresh/tick", tick),
        ("card-send/card", card(&cid)),
        ("access/admin", authorizer(&format!("Bearer {ADMIN}"))),
        ("access/unknown", authorizer("Bearer nobody-knows-this-one")),
        ("access/not-bearer", authorizer("Basic YWRtaW46YWRtaW4=")),
    ];
    samples.extend(sockets::sockets());
    samples.extend(pushes());
    samples.extend(console());
    samples.extend(api(&cid));
    samples.into_iter().map(|(name, event)| (name.to_owned(), event)).collect()
}

/// The stream record of a text, and the cid of its conversation.
async fn text_and_conversation() -> (Value, String) {
    let world = World::start().await;
    bind(&world).await;
    world.bundle.invoke("MessageIngress", push(&text())).await.unwrap();
    let inbound = inserted(&world.items("inbound").await);
    world.bundle.invoke("Reception", inbound.clone()).await.unwrap();
    let cid = world.items("conversation").await[0]["cid"]["S"].as_str().unwrap().to_owned();
    (inbound, cid)
}

/// The message of the queue `TickWork` about the partition that has the text.
fn backlog(inbound: &Value) -> Value {
    let partition = &inbound["Records"][0]["dynamodb"]["NewImage"]["due_pk"]["S"];
    queued(&[json!({ "partition": partition, "until": "2026-03-02T08:01:55Z" })])
}

/// The message of the queue `Timers` about a conversation.
fn timer(cid: &str) -> Value {
    json!({ "pk": format!("conversation#{cid}"), "sk": "conversation", "at": "2026-03-02T08:00:10Z" })
}

/// A conversation that is due after ten seconds.
fn timed(conversation: &Value) -> Value {
    let mut timed = conversation.clone();
    timed["due_sk"] = json!({ "S": "1772438410000t" });
    timed["timer"] = json!({ "S": "1772438410000" });
    timed
}

/// The item of a conversation that waits for its robot.
async fn waiting_conversation() -> Value {
    let world = World::start().await;
    bind(&world).await;
    let robot = with_robot(&world).await;
    world.bundle.invoke("MessageIngress", push(&text())).await.unwrap();
    let inbound = inserted(&world.items("inbound").await);
    world.bundle.invoke("Reception", inbound).await.unwrap();
    let waiting = world.items("conversation").await.remove(0);
    serde_json::from_str(&waiting.to_string().replace(&robot, ROBOT)).unwrap()
}
