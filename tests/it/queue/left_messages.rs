//! Nobody is there: the visitor leaves a message, and is answered later.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Shop, with};
use crate::support::World;

const LEAVE: &str = "现在没人，请留言。";
const LEFT: &str = "收到您的留言。";

async fn closed_shop(world: &World) -> Shop {
    let prompts = json!({ "leave_message": LEAVE, "message_left": LEFT });
    let shop = world.shop(5, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.status(&shop.agent, "offline").await;
    shop
}

async fn left_messages(world: &World, token: &str) -> Vec<Value> {
    let path = "/api/conversations?view=left_messages";
    let page = world.call(Some(token), Method::GET, path, None).await.expect(200).body;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn it_is_collected_and_that_is_told_once() {
    let world = World::start().await;
    let shop = closed_shop(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    for text in ["在吗", "我的订单 A-1001 没到", "电话 13800000000", "急"] {
        visitor.says(text).await;
    }
    assert_eq!(visitor.phone_texts().await, [LEAVE, LEFT]);
    let cid = visitor.cid().await;
    let said: Vec<_> = visitor.inbound().await.iter().map(|it| it["cid"].clone()).collect();
    assert_eq!(said, vec![json!(cid); 4]);
    assert_eq!(world.event_types(&cid).await, ["conversation.created", "leave_message.created"]);

    // Each has a message of their own, the oldest first; an agent sees them.
    let other = shop.visitor(&world, "o-2");
    other.says("有人吗").await;
    let agent = world.access_token("agent").await;
    let listed = left_messages(&world, &agent).await;
    let listed: Vec<_> = listed.iter().map(|it| (it["openid"].clone(), it["stage"].clone())).collect();
    assert_eq!(listed, ["o-1", "o-2"].map(|openid| (json!(openid), json!("left_message"))));
}

#[tokio::test]
async fn an_agent_takes_it_and_answers_within_the_window() {
    let world = World::start().await;
    let shop = closed_shop(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    visitor.says("我的订单 A-1001 没到").await;
    // The next morning.
    world.advance(16 * 3600);
    world.status(&shop.agent, "online").await;
    world.minutes_with(2, &[&shop.agent]).await;
    assert_eq!(visitor.stage().await, "left_message", "nobody is given it");
    let cid = visitor.cid().await;
    world.claim(&cid, &shop.agent).await.expect(200);
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    assert_eq!(left_messages(&world, crate::support::ADMIN).await, Vec::<Value>::new());
    visitor.is_told("已为您催促，明天送到。").await.expect(201);
    assert_eq!(visitor.phone_texts().await, [LEAVE, LEFT, "已为您催促，明天送到。"]);
    visitor.says("好的谢谢").await;
    assert_eq!(visitor.phone().await.len(), 3, "it is a conversation like any other now");
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
}

#[tokio::test]
async fn whoever_writes_again_when_somebody_is_there_is_received() {
    let world = World::start().await;
    let shop = closed_shop(&world).await;
    let [one, two, three] = ["o-1", "o-2", "o-3"].map(|openid| shop.visitor(&world, openid));
    for visitor in [&one, &two, &three] {
        visitor.says("在吗").await;
        visitor.says("我的订单 A-1001 没到").await;
    }
    world.change("agents", &shop.agent, &json!({ "capacity": 1 })).await;
    world.status(&shop.agent, "online").await;
    one.says("还没到").await;
    assert_eq!(one.with_whom().await, with(&shop.agent));
    let kinds = world.event_types(&one.cid().await).await;
    assert_eq!(kinds, ["conversation.created", "leave_message.created", "conversation.assigned"]);
    assert_eq!(left_messages(&world, crate::support::ADMIN).await.len(), 2);
    // Who goes on writing down what is to be read later is not put into a queue by it; who asks for a person is.
    two.says("包装也坏了").await;
    assert_eq!(
        (two.stage().await.as_str(), two.phone_texts().await),
        ("left_message", [LEAVE, LEFT].map(str::to_owned).to_vec())
    );
    three.says("转人工").await;
    assert_eq!(three.stage().await, "queued");
    one.says("再见").await;
    assert_eq!(three.with_whom().await, with(&shop.agent));
    // With nobody there, asking does not begin it all again.
    world.status(&shop.agent, "offline").await;
    two.says("转人工").await;
    assert_eq!((two.stage().await.as_str(), two.phone().await.len()), ("left_message", 2));
}

#[tokio::test]
async fn of_two_who_take_one_message_one_gets_it() {
    let world = World::start().await;
    let shop = closed_shop(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    let (li, zhao) = (world.agent("小李", 5).await, world.agent("小赵", 5).await);
    let cid = visitor.cid().await;
    let (one, other) = tokio::join!(world.claim(&cid, &li), world.claim(&cid, &zhao));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn working_hours_decide_whatever_the_agents_say() {
    let world = World::start().await;
    let weekly = json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00" }]);
    // The Monday on which a bundle begins is a holiday; the Saturday after it makes up for it.
    let calendar = json!({
        "name": "上班", "weekly": weekly, "holidays": [{ "date": "2026-03-02", "name": "店庆" }],
        "make_up_days": [{ "date": "2026-03-07", "name": "补班" }],
    });
    let calendar = world.make("calendars", &calendar).await;
    let prompts = json!({ "leave_message": LEAVE });
    let shop = world.shop(50, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.change("groups", &shop.group, &json!({ "calendar_id": calendar })).await;
    // Hours from the beginning, which is 16:00 in Shanghai.
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
        world.status(&shop.agent, "online").await;
        let visitor = shop.visitor(&world, &format!("o-{number}"));
        visitor.says("在吗").await;
        assert_eq!(visitor.stage().await, stage, "{hours} hours later");
    }
}
