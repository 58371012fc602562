//! A mini program with a robot and an agent: what most tests of reception begin with.

use serde_json::{Value, json};

use crate::support::{Binding, Visitor, World};

/// The mini program.
pub(crate) const APP: &str = "wx0000000000005401";

/// What the shop's robot answers to [`SHIPPING`].
pub(crate) const SHIPPING_ANSWER: &str = "现货商品在付款后48小时内发出。";
/// A question that the robot knows.
pub(crate) const SHIPPING: &str = "下单后多久发货？";
/// Another one.
pub(crate) const POSTAGE: &str = "运费怎么算？";
/// What it answers to that.
pub(crate) const POSTAGE_ANSWER: &str = "单笔满99元包邮。";
/// What no robot here knows.
pub(crate) const UNKNOWN: &str = "月亮离地球有多远";
/// What the robots here say when they do not know.
pub(crate) const FALLBACK: &str = "抱歉，这个我还不会。";

/// The questions of the shop's robot.
pub(crate) const QUESTIONS: [(&str, &str, &str); 4] = [
    ("ship-time", SHIPPING, SHIPPING_ANSWER),
    ("ship-fee", POSTAGE, POSTAGE_ANSWER),
    ("return", "怎么申请退货？", "在订单详情里点“申请售后”。"),
    ("return-fee", "退货运费谁承担？", "退货运费由我们承担。"),
];

/// A mini program, its robot, its group and the group's one agent, who is online.
pub(crate) struct Shop {
    pub(crate) binding: Binding,
    pub(crate) robot: String,
    pub(crate) group: String,
    pub(crate) agent: String,
}

impl World {
    /// A shop with these settings of reception, whose agent 小王 takes `capacity` conversations.
    pub(crate) async fn shop(&self, capacity: u32, reception: Value) -> Shop {
        let robot = json!({ "name": "小助手", "kind": "faq", "fallback": FALLBACK });
        let robot = self.make("robots", &robot).await;
        self.teach(&robot, &QUESTIONS).await;
        self.shop_with(&robot, capacity, reception).await
    }

    /// The same with another robot.
    pub(crate) async fn shop_with(&self, robot: &str, capacity: u32, mut reception: Value) -> Shop {
        let agent = self.agent("小王", capacity).await;
        let group = self.group(&[&agent]).await;
        for (field, id) in [("robot_id", robot), ("group_id", group.as_str())] {
            if reception.get(field).is_none() {
                reception[field] = json!(id);
            }
        }
        let binding = self.bind(APP).await;
        self.receive(&binding, reception).await;
        Shop { binding, robot: robot.to_owned(), group, agent }
    }
}

impl Shop {
    /// A visitor.
    pub(crate) fn visitor<'a>(&'a self, world: &'a World, openid: &str) -> Visitor<'a> {
        world.visitor(&self.binding, openid)
    }

    /// The agent's conversation with somebody else, which takes all of their time.
    pub(crate) async fn engage<'a>(&'a self, world: &'a World) -> Visitor<'a> {
        let visitor = self.visitor(world, "o-busy");
        visitor.says("转人工").await;
        assert_eq!(visitor.agent().await.as_deref(), Some(self.agent.as_str()));
        visitor
    }
}

/// Whom a conversation is with, as [`Visitor::with_whom`] tells it.
pub(crate) fn with(agent: &str) -> (String, Option<String>) {
    ("assigned".to_owned(), Some(agent.to_owned()))
}
