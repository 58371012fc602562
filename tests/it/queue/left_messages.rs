//! Left messages: no staff is available, and the visitor is answered later.

use reqwest::Method;
use serde_json::{Value, json};

use crate::service_desk::{ServiceDesk, assigned_to};
use crate::support::World;

const LEAVE: &str = "现在没人，请留言。";
const LEFT: &str = "收到您的留言。";

async fn desk_without_staff(world: &World) -> ServiceDesk {
    let prompts = json!({ "leave_message": LEAVE, "message_left": LEFT });
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.set_status(&desk.agent, "offline").await;
    desk
}

async fn left_messages(world: &World, token: &str) -> Vec<Value> {
    let path = "/api/conversations?view=left_messages";
    let page = world.call(Some(token), Method::GET, path, None).await.expect(200).body;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn left_message_collects_texts_and_is_confirmed_once() {
    let world = World::start().await;
    let desk = desk_without_staff(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    for text in ["在吗", "我的订单 A-1001 没到", "电话 13800000000", "急"] {
        visitor.writes(text).await;
    }
    assert_eq!(visitor.received_texts().await, [LEAVE, LEFT]);
    let cid = visitor.cid().await;
    let said: Vec<_> = visitor.inbound().await.iter().map(|it| it["cid"].clone()).collect();
    assert_eq!(said, vec![json!(cid); 4]);
    assert_eq!(world.event_types(&cid).await, ["conversation.created", "leave_message.created"]);

    // Left messages are listed oldest first and visible to agents.
    let other = desk.visitor(&world, "o-2");
    other.writes("有人吗").await;
    let asked = json!({ "role": "agent", "name": "小王", "agent_id": desk.agent });
    let agent = world.post("/api/access-tokens", &asked).await.expect(201).text("token");
    let listed = left_messages(&world, &agent).await;
    let listed: Vec<_> = listed.iter().map(|it| (it["openid"].clone(), it["stage"].clone())).collect();
    assert_eq!(listed, ["o-1", "o-2"].map(|openid| (json!(openid), json!("left_message"))));
}

#[tokio::test]
async fn claimed_left_message_can_be_answered() {
    let world = World::start().await;
    let desk = desk_without_staff(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    visitor.writes("我的订单 A-1001 没到").await;
    // The next morning.
    world.advance(16 * 3600);
    world.set_status(&desk.agent, "online").await;
    world.run_minutes_online(2, &[&desk.agent]).await;
    assert_eq!(visitor.stage().await, "left_message", "it is not assigned automatically");
    let cid = visitor.cid().await;
    world.claim(&cid, &desk.agent).await.expect(200);
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(left_messages(&world, crate::support::ADMIN).await, Vec::<Value>::new());
    visitor.agent_replies("已为您催促，明天送到。").await.expect(201);
    assert_eq!(visitor.received_texts().await, [LEAVE, LEFT, "已为您催促，明天送到。"]);
    visitor.writes("好的谢谢").await;
    assert_eq!(visitor.received().await.len(), 3, "no prompt is sent any more");
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
}

#[tokio::test]
async fn message_after_a_left_message_is_routed_when_staff_is_online() {
    let world = World::start().await;
    let desk = desk_without_staff(&world).await;
    let [one, two, three] = ["o-1", "o-2", "o-3"].map(|openid| desk.visitor(&world, openid));
    for visitor in [&one, &two, &three] {
        visitor.writes("在吗").await;
        visitor.writes("我的订单 A-1001 没到").await;
    }
    world.update("agents", &desk.agent, &json!({ "capacity": 1 })).await;
    world.set_status(&desk.agent, "online").await;
    one.writes("还没到").await;
    assert_eq!(one.stage_and_agent().await, assigned_to(&desk.agent));
    let kinds = world.event_types(&one.cid().await).await;
    assert_eq!(kinds, ["conversation.created", "leave_message.created", "conversation.assigned"]);
    assert_eq!(left_messages(&world, crate::support::ADMIN).await.len(), 2);
    // More text does not queue the visitor; a request for a person does.
    two.writes("包装也坏了").await;
    assert_eq!(
        (two.stage().await.as_str(), two.received_texts().await),
        ("left_message", [LEAVE, LEFT].map(str::to_owned).to_vec())
    );
    three.writes("转人工").await;
    assert_eq!(three.stage().await, "queued");
    one.writes("再见").await;
    assert_eq!(three.stage_and_agent().await, assigned_to(&desk.agent));
    // A request without staff sends no prompt again.
    world.set_status(&desk.agent, "offline").await;
    two.writes("转人工").await;
    assert_eq!((two.stage().await.as_str(), two.received().await.len()), ("left_message", 2));
}

#[tokio::test]
async fn concurrent_claim_of_a_left_message_succeeds_once() {
    let world = World::start().await;
    let desk = desk_without_staff(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let (li, zhao) = (world.agent("小李", 5).await, world.agent("小赵", 5).await);
    let cid = visitor.cid().await;
    let (one, other) = tokio::join!(world.claim(&cid, &li), world.claim(&cid, &zhao));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn outside_working_hours_online_agents_get_nothing() {
    let world = World::start().await;
    let weekly = json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00" }]);
    // The first Monday is a holiday; the following Saturday is a make-up day.
    let calendar = json!({
        "name": "上班", "weekly": weekly, "holidays": [{ "date": "2026-03-02", "name": "店庆" }],
        "make_up_days": [{ "date": "2026-03-07", "name": "补班" }],
    });
    let calendar = world.create("calendars", &calendar).await;
    let prompts = json!({ "leave_message": LEAVE });
    let desk = world.service_desk(50, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.update("groups", &desk.group, &json!({ "calendar_id": calendar })).await;
    // Hours from the start, which is 16:00 in Shanghai.
    let mut now = 0;
    for (number, (hours, stage)) in [
        (0, "left_message"),
        (17, "assigned"),
        (26, "left_message"),
        (5 * 24 - 6, "assigned"),
        (5 * 24 + 18, "left_message"),
    ]
    .into_iter()
    .enumerate()
    {
        world.advance((hours - now) * 3600);
        now = hours;
        world.set_status(&desk.agent, "online").await;
        let visitor = desk.visitor(&world, &format!("o-{number}"));
        visitor.writes("在吗").await;
        assert_eq!(visitor.stage().await, stage, "{hours} hours later");
    }
}
