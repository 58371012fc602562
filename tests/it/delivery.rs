//! Pending sends are delivered once; sends with unknown outcome are not repeated.

use std::net::SocketAddr;
use std::sync::Arc;

use local::wechat::{Callbacks, Simulator};
use local::{Fault, TableFault};
use serde_json::{Value, json};
use store::SharedClock;
use tokio::net::TcpListener;

use crate::support::{Visitor, World, inserted};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好";
const SEND: &str = "/cgi-bin/message/custom/send";

/// Leaves a visitor's automatic reply pending, as if its function had stopped right after storing it.
async fn left_pending(world: &World, visitor: &Visitor<'_>) {
    world
        .bundle
        .table_faults()
        .add(TableFault::new(Fault::InternalError).function("Reception").operation("UpdateItem").times(1000));
    visitor.text("hi").await;
    world.settle().await;
    world.bundle.table_faults().clear();
    assert_eq!(message_states(visitor).await, ["pending"]);
    assert_eq!(visitor.received().await.len(), 0);
}

async fn message_states(visitor: &Visitor<'_>) -> Vec<String> {
    visitor.outbound().await.iter().map(|message| message["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pending_send_is_delivered_by_the_tick_after_its_grace_period() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oLEFT");
    left_pending(&world, &visitor).await;
    world.advance(74);
    world.tick("Reception").await;
    assert_eq!(message_states(&visitor).await, ["pending"], "it is still left to the function that wrote it");
    world.advance(1);
    world.tick("Reception").await;
    assert_eq!(message_states(&visitor).await, ["sent"]);
    world.run_minutes(5).await;
    assert_eq!(visitor.received_texts().await, [HELLO]);
}

#[tokio::test]
async fn send_with_expired_claim_becomes_unknown_and_is_not_repeated() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oLEASE");
    // The claim is stored; the result of the send is not.
    let settle =
        TableFault::new(Fault::InternalError).function("Reception").operation("UpdateItem").skip(1).times(1000);
    world.bundle.table_faults().add(settle);
    visitor.text("hi").await;
    world.settle().await;
    world.bundle.table_faults().clear();
    assert_eq!(message_states(&visitor).await, ["sending"]);
    assert_eq!(visitor.received_texts().await, [HELLO]);

    world.advance(74);
    world.tick("Reception").await;
    assert_eq!(message_states(&visitor).await, ["sending"], "the sender may still be running");
    world.advance(1);
    world.tick("Reception").await;
    let outbound = visitor.outbound().await;
    assert_eq!(outbound[0]["state"], "unknown", "it is not reported as sent");
    assert_eq!(outbound[0]["failure"]["code"], "message.outcome_unknown");
    world.run_half_an_hour().await;
    assert_eq!(visitor.received_texts().await, [HELLO], "and the visitor has it once");
    assert_eq!(message_states(&visitor).await, ["unknown"]);
}

#[tokio::test]
async fn concurrent_ticks_and_records_of_the_message_send_once() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oRACE");
    left_pending(&world, &visitor).await;
    let behind = inserted(&world.items("inbound").await);
    world.advance(76);
    let tick = json!({ "tick": "minute" });
    let calls = (0..4).flat_map(|_| [("Reception", &tick), ("Reception", &behind), ("Reception", &tick)]);
    futures_util::future::join_all(calls.map(|(function, event)| world.bundle.invoke(function, event.clone()))).await;
    world.settle().await;
    assert_eq!(message_states(&visitor).await, ["sent"]);
    assert_eq!(visitor.received_texts().await, [HELLO]);
}

/// A fault of a send and the expected states of the automatic reply.
struct Trouble {
    fault: Value,
    /// The states at once and after half an hour.
    states: [&'static str; 2],
    /// The texts on the phone at the end.
    shown: usize,
    /// The first failure code.
    code: &'static str,
}

async fn trouble(case: Trouble) {
    let Trouble { fault, states: expected, shown, code } = case;
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oTROUBLE");
    world.sim_fault(&fault).await;
    visitor.text("hi").await;
    world.settle().await;
    let first = visitor.outbound().await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["state"], expected[0], "{fault} {first:?}");
    assert_eq!(first[0]["failure"]["code"], code, "{fault} {first:?}");
    assert!(!first[0]["failure"]["detail"].as_str().unwrap().is_empty());
    world.run_half_an_hour().await;
    assert_eq!(message_states(&visitor).await, [expected[1]], "{fault}");
    assert_eq!(visitor.received().await.len(), shown, "{fault}");
    let left = world.sim_get("/sim/faults").await;
    assert_eq!(left.body["items"], json!([]), "{fault}: not every fault was met");
}

#[tokio::test]
async fn send_with_lost_answer_is_not_repeated() {
    // Whether the answer is lost before or after delivery cannot be distinguished.
    for (moment, shown) in [("before", 0), ("after", 1)] {
        let fault = json!({ "path": SEND, "break_off": moment });
        trouble(Trouble { fault, states: ["unknown"; 2], shown, code: "wechat.broken_off" }).await;
    }
    let fault = json!({ "path": SEND, "errcode": -1 });
    trouble(Trouble { fault, states: ["unknown"; 2], shown: 0, code: "wechat.busy" }).await;
    for fault in [
        json!({ "path": SEND, "html": true }),
        json!({ "path": SEND, "status": 504, "body": "" }),
        json!({ "path": SEND, "status": 200, "body": "{\"errcode\":" }),
    ] {
        trouble(Trouble { fault, states: ["unknown"; 2], shown: 0, code: "wechat.answer_unreadable" }).await;
    }
}

#[tokio::test]
async fn send_with_timeout_is_unknown_and_not_repeated() {
    let fault = |moment| json!({ "path": SEND, "wait_ms": 5500, "wait": moment });
    let timed_out = |moment, shown| {
        trouble(Trouble { fault: fault(moment), states: ["unknown"; 2], shown, code: "wechat.timed_out" })
    };
    tokio::join!(timed_out("before", 0), timed_out("after", 1));
}

#[tokio::test]
async fn rate_limited_send_is_retried_and_arrives_once() {
    for (times, errcode, code) in
        [(1, 45011, "wechat.rate_limited"), (3, 45011, "wechat.rate_limited"), (2, 45009, "wechat.daily_quota_used")]
    {
        let fault = json!({ "path": SEND, "errcode": errcode, "times": times });
        trouble(Trouble { fault, states: ["pending", "sent"], shown: 1, code }).await;
    }
    // A greeting expires after 15 minutes.
    let fault = json!({ "path": SEND, "errcode": 45011, "times": 6 });
    trouble(Trouble { fault, states: ["pending", "failed"], shown: 0, code: "wechat.rate_limited" }).await;
}

#[tokio::test]
async fn permanent_refusal_is_reported_and_not_retried() {
    for (errcode, code) in [(45015, "wechat.reply_window_closed"), (45047, "wechat.reply_limit_reached")] {
        let fault = json!({ "path": SEND, "errcode": errcode });
        trouble(Trouble { fault, states: ["failed"; 2], shown: 0, code }).await;
    }
}

#[tokio::test]
async fn missing_access_token_postpones_the_reply() {
    for fault in [
        json!({ "path": "/cgi-bin/stable_token", "errcode": -1 }),
        json!({ "path": "/cgi-bin/stable_token", "html": true }),
        json!({ "path": "/cgi-bin/stable_token", "break_off": "before" }),
        json!({ "path": "/cgi-bin/stable_token", "break_off": "after" }),
    ] {
        let world = World::start().await;
        let binding = world.bind_with_auto_reply(APP, HELLO).await;
        let visitor = world.visitor(&binding, "oTOKEN");
        world.advance(7300);
        world.sim_fault(&fault).await;
        visitor.text("hi").await;
        world.settle().await;
        assert_eq!(message_states(&visitor).await, ["pending"], "{fault}");
        world.run_half_an_hour().await;
        assert_eq!(message_states(&visitor).await, ["sent"], "{fault}");
        assert_eq!(visitor.received_texts().await, [HELLO], "{fault}");
    }
}

#[tokio::test]
async fn replies_wait_while_wechat_is_unreachable_and_arrive_once_in_order() {
    let directory = std::env::temp_dir().join(format!("kefu-it-wechat-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let world = World::options(|options| options.wechat_api = Some(format!("http://{address}"))).await;
    let clock: SharedClock = Arc::clone(&world.clock) as SharedClock;
    let wechat =
        Simulator::serve_persistent(listener, Arc::clone(&clock), Callbacks::Anywhere, directory.join("wechat.json"))
            .unwrap();
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oREACH");
    visitor.text("1").await;
    visitor.text("2").await;

    wechat.shutdown().await;
    world.settle().await;
    world.run_minutes(2).await;
    assert_eq!(message_states(&visitor).await, ["pending", "pending"]);
    assert_eq!(visitor.outbound().await[0]["failure"]["code"], "wechat.unreachable");

    let listener = TcpListener::bind(address).await.unwrap();
    let wechat =
        Simulator::serve_persistent(listener, clock, Callbacks::Anywhere, directory.join("wechat.json")).unwrap();
    world.run_half_an_hour().await;
    assert_eq!(message_states(&visitor).await, ["sent", "sent"]);
    assert_eq!(visitor.received_texts().await, [HELLO; 2]);
    wechat.shutdown().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn fifty_failing_sends_do_not_delay_the_others_of_their_shard() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oLEFT");
    left_pending(&world, &visitor).await;
    // Held texts of the same shard that are overdue for longer, of a visitor whose item cannot be read.
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap().replace("oLEFT", "oBROKEN");
    let mut broken = world.items("visitor").await.remove(0);
    broken["pk"] = json!({ "S": text(&broken, "pk") });
    broken["data"] = json!({ "S": "{" });
    world.put_item(&broken).await;
    let pending = world.items("outbound").await.remove(0);
    let mut held = pending.clone();
    for (name, value) in [("openid", "oBROKEN"), ("state", "held"), ("due_sk", "0000000000001")] {
        held[name] = json!({ "S": value });
    }
    held["pk"] = json!({ "S": text(&pending, "pk") });
    for number in 0..50 {
        held["sk"] = json!({ "S": format!("{}{number}", text(&pending, "sk")) });
        world.put_item(&held).await;
    }
    world.advance(76);
    let tick = async || world.bundle.invoke("Reception", json!({ "tick": "minute" })).await.unwrap();
    assert_eq!(tick().await["handed_on"], 1, "more than the tick works on itself");
    world.settle().await;
    assert_eq!(message_states(&visitor).await, ["sent"]);

    // The failing sends are tried again, after one minute and then after two more.
    for (seconds, failing) in [(59, 0), (1, 50), (119, 0), (1, 50)] {
        world.advance(seconds);
        let report = tick().await;
        assert_eq!((&report["taken_over"], &report["failed"]), (&json!(failing), &json!(failing)));
    }
}
