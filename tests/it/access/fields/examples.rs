//! A body of each operation that is accepted, and what it refers to.

use serde_json::{Value, json};

use reqwest::Method;

use crate::support::{ADMIN, Binding, World};

/// The ids of what the examples refer to.
pub(crate) struct Ids<'a> {
    pub(super) binding: Binding,
    app_id: &'a str,
    group: String,
    pub(super) agent: String,
    /// The agent who claims the conversation.
    pub(super) claimant: String,
    /// An agent whose settings change.
    changed_agent: String,
    /// A picture that WeChat has.
    media_id: String,
    calendar: String,
    merchant: String,
    robots: [String; 3],
    /// A quick reply, and a frame.
    reply: String,
    frame: String,
    /// A visitor, their open conversation, and the message that began it.
    pub(super) openid: String,
    pub(super) cid: String,
    pub(super) message: String,
}

/// A mini program with a secret for `session-from`.
const SIGNING: &str = "wx00000000ad000002";
const CHAT: &str = "https://chat.example/v1";
const HOOK: &str = "https://hook.example/";

impl<'a> Ids<'a> {
    pub(crate) async fn create(world: &World, app_id: &'a str) -> Self {
        let binding = world.bind(app_id).await;
        let signing = world.bind(SIGNING).await;
        world.post(&format!("/api/bindings/{}/session-from-secret", signing.app_id), &json!({})).await.expect(201);
        let group = world.group(&[]).await;
        let agent = world.agent("小王", 100).await;
        let changed_agent = world.agent("小李", 100).await;
        let calendar = world.create("calendars", &json!({ "name": "上班" })).await;
        let merchant = json!({ "name": "店", "customer_code": "shop", "group_id": group });
        let merchant = world.create("merchants", &merchant).await;
        let robots = [
            world.faq_robot(&[("q1", "怎么退款", "在订单页申请。")]).await,
            world
                .create(
                    "robots",
                    &json!({ "name": "c", "kind": "chat", "base_url": CHAT, "model": "m", "api_key": "k" }),
                )
                .await,
            world.create("robots", &json!({ "name": "w", "kind": "webhook", "url": HOOK })).await,
        ];
        let reply = json!({ "scope": "all", "title": "x", "content": "x" });
        let reply = world.create("quick-replies", &reply).await;
        let frames = json!({ "items": [{ "name": "x", "url": "https://a.example/" }] });
        let frames = world.call(Some(ADMIN), Method::PUT, "/api/frames", Some(&frames)).await.expect(200);
        let frame = frames.body["items"][0]["id"].as_str().unwrap().to_owned();
        let conversation = world.open_conversation(&binding, "o-example").await;
        let message = conversation.messages().await[0]["id"].as_str().unwrap().to_owned();
        let media_id = conversation.upload_cover(&format!("{}/phone/cover.png", world.bundle.wechat_url())).await;
        let (openid, cid, claimant) = ("o-example".to_owned(), conversation.cid, agent.clone());
        Self {
            binding,
            app_id,
            group,
            agent,
            claimant,
            changed_agent,
            media_id,
            calendar,
            merchant,
            robots,
            reply,
            frame,
            openid,
            cid,
            message,
        }
    }
}

/// The path of an operation, and a body of each form that it takes.
pub(crate) fn example(ids: &Ids<'_>, operation: &str) -> (String, Vec<Value>) {
    let path = |path: String, body: Value| (path, vec![body]);
    let of_conversation = |name: &str, body: Value| path(format!("/api/conversations/{}/{name}", ids.cid), body);
    let of_visitor = |name: &str| format!("/api/bindings/{}/visitors/{}{name}", ids.app_id, ids.openid);
    match operation {
        "createAccessToken" => {
            let token = |role: &str| json!({ "role": role, "name": "x" });
            let mut integrator = token("integrator");
            integrator["scopes"] = json!(["bindings:read"]);
            ("/api/access-tokens".to_owned(), vec![token("admin"), token("agent"), token("supervisor"), integrator])
        }
        "setAgentStatus" => path(format!("/api/agents/{}/status", ids.agent), json!({ "status": "away" })),
        "createBinding" => {
            let app_id = "wx00000000ad000001";
            path(
                "/api/bindings".to_owned(),
                json!({ "name": "x", "app_id": app_id, "app_secret": "0123456789abcdef0123456789abcdef" }),
            )
        }
        "changeBinding" => path(format!("/api/bindings/{}", ids.app_id), json!({ "name": "x" })),
        "sendCard" => {
            let page = json!({ "title": "T", "pagepath": "pages/index", "thumbMediaId": ids.media_id });
            of_conversation("cards", json!({ "msgType": 26, "miniPage": page }))
        }
        "claimConversation" => of_conversation("claim", json!({ "agent_id": ids.claimant })),
        "closeConversation" => of_conversation("close", json!({ "summary": { "solved": true } })),
        "sendMessage" => {
            let url = "https://a.example/";
            let bodies = vec![
                json!({ "type": "text", "text": { "content": "您好" } }),
                json!({ "type": "image", "image": { "media_id": ids.media_id } }),
                json!({ "type": "link", "link": { "title": "T", "url": url } }),
            ];
            (format!("/api/conversations/{}/messages", ids.cid), bodies)
        }
        "transferConversation" => of_conversation("transfer", json!({ "agent_id": ids.agent })),
        "setTyping" => of_conversation("typing", json!({ "typing": true })),
        "markRead" => of_conversation("read", json!({ "up_to": ids.message })),
        "createFrameContext" => of_conversation("frame-context", json!({ "frame_id": ids.frame })),
        "changeVisitor" => path(of_visitor(""), json!({ "tags": ["x"] })),
        "createVisitorNote" => path(of_visitor("/notes"), json!({ "text": "x" })),
        "simulateRouting" => path("/api/routing/simulate".to_owned(), json!({ "app_id": ids.app_id, "text": "x" })),
        "buildSessionFrom" => {
            let level = json!({ "action_type": "to_group", "deci_id": "g1", "option_id": "4", "spill_id": "7" });
            let sign = json!({ "app_id": SIGNING, "openid": "o-1" });
            let signed = json!({ "partnerid": "x", "sign": sign });
            let plain = json!({ "nickname": "x", "transfer_action": [level] });
            ("/api/session-from/build".to_owned(), vec![plain, signed])
        }
        "createSessionFromSecret" => {
            path(format!("/api/bindings/{}/session-from-secret", ids.app_id), json!({ "same_as": SIGNING }))
        }
        "signIn" => path("/api/sign-in".to_owned(), json!({ "code": "x".repeat(43) })),
        "parseSessionFrom" => path("/api/session-from/parse".to_owned(), json!({ "text": "sobot|nickname=x" })),
        other => of_settings(ids, other),
    }
}

fn of_settings(ids: &Ids<'_>, operation: &str) -> (String, Vec<Value>) {
    let new = |kind: &str, bodies: Vec<Value>| (format!("/api/{kind}"), bodies);
    let change = |kind: &str, id: &str, body: Value| (format!("/api/{kind}/{id}"), vec![body]);
    let name = json!({ "name": "x" });
    let hours = json!({ "days": ["mon"], "from": "09:00", "to": "18:00" });
    let calendar = json!({
        "name": "x", "weekly": [hours], "holidays": [{ "date": "2026-10-01", "name": "国庆节" }],
        "make_up_days": [{ "date": "2026-10-10", "hours": [{ "from": "09:00", "to": "18:00" }] }],
    });
    let question = json!({ "title": "怎么退款", "answer": "在订单页申请。" });
    let robot = &ids.robots[0];
    let robots = vec![
        json!({ "name": "f", "kind": "faq" }),
        json!({ "name": "c", "kind": "chat", "base_url": CHAT, "model": "m", "api_key": "k" }),
        json!({ "name": "w", "kind": "webhook", "url": HOOK }),
    ];
    match operation {
        "createAgent" => new("agents", vec![name]),
        "changeAgent" => change("agents", &ids.changed_agent, name),
        "createCalendar" => new("calendars", vec![calendar]),
        "changeCalendar" => change("calendars", &ids.calendar, calendar),
        "createGroup" => new("groups", vec![name]),
        "changeGroup" => change("groups", &ids.group, name),
        "createMerchant" => {
            new("merchants", vec![json!({ "name": "x", "customer_code": "shop-2", "group_id": ids.group })])
        }
        "changeMerchant" => change("merchants", &ids.merchant, name),
        "createRobot" => new("robots", robots),
        "changeRobot" => change("robots", robot, name),
        "createQuestion" => new(&format!("robots/{robot}/questions"), vec![question]),
        "replaceQuestions" => {
            let mut first = question;
            first["id"] = json!("q1");
            new(&format!("robots/{robot}/questions"), vec![json!({ "questions": [first] })])
        }
        "changeQuestion" => change(&format!("robots/{robot}/questions"), "q1", json!({ "title": "怎么退款" })),
        "tryRobot" => new(&format!("robots/{}/try", ids.robots[2]), vec![json!({ "text": "退款" })]),
        "replaceFrames" => new("frames", vec![json!({ "items": [{ "name": "x", "url": "https://a.example/" }] })]),
        "createQuickReply" => new("quick-replies", vec![json!({ "scope": "all", "title": "x", "content": "您好" })]),
        "changeQuickReply" => change("quick-replies", &ids.reply, json!({ "title": "x" })),
        other => panic!("{other} has a body and no example"),
    }
}
