//! The usual fixture of reception tests: a mini program with an FAQ robot, a group and an agent.

use serde_json::{Value, json};

use crate::support::{Binding, Visitor, World};

/// The AppID.
pub(crate) const APP: &str = "wx0000000000005401";

/// The robot's answer to [`SHIPPING`].
pub(crate) const SHIPPING_ANSWER: &str = "现货商品在付款后48小时内发出。";
/// A question that the robot can answer.
pub(crate) const SHIPPING: &str = "下单后多久发货？";
/// Another question that the robot can answer.
pub(crate) const POSTAGE: &str = "运费怎么算？";
/// The robot's answer to [`POSTAGE`].
pub(crate) const POSTAGE_ANSWER: &str = "单笔满99元包邮。";
/// A question that no robot can answer.
pub(crate) const UNKNOWN: &str = "月亮离地球有多远";
/// The robot's fallback.
pub(crate) const FALLBACK: &str = "抱歉，这个我还不会。";

/// The robot's questions.
pub(crate) const QUESTIONS: [(&str, &str, &str); 4] = [
    ("ship-time", SHIPPING, SHIPPING_ANSWER),
    ("ship-fee", POSTAGE, POSTAGE_ANSWER),
    ("return", "怎么申请退货？", "在订单详情里点“申请售后”。"),
    ("return-fee", "退货运费谁承担？", "退货运费由我们承担。"),
];

/// A mini program, its robot, and its group with one agent, who is online.
pub(crate) struct ServiceDesk {
    pub(crate) binding: Binding,
    pub(crate) robot: String,
    pub(crate) group: String,
    pub(crate) agent: String,
}

impl World {
    /// Creates the fixture with these reception settings; the agent 小王 has this capacity.
    pub(crate) async fn service_desk(&self, capacity: u32, reception: Value) -> ServiceDesk {
        let robot = json!({ "name": "小助手", "kind": "faq", "fallback": FALLBACK });
        let robot = self.create("robots", &robot).await;
        self.add_questions(&robot, &QUESTIONS).await;
        self.service_desk_with(&robot, capacity, reception).await
    }

    /// Creates the fixture with an existing robot.
    pub(crate) async fn service_desk_with(&self, robot: &str, capacity: u32, mut reception: Value) -> ServiceDesk {
        let agent = self.agent("小王", capacity).await;
        let group = self.group(&[&agent]).await;
        for (field, id) in [("robot_id", robot), ("group_id", group.as_str())] {
            if reception.get(field).is_none() {
                reception[field] = json!(id);
            }
        }
        let binding = self.bind_with_defaults(APP).await;
        self.set_reception(&binding, reception).await;
        ServiceDesk { binding, robot: robot.to_owned(), group, agent }
    }
}

impl ServiceDesk {
    /// A visitor.
    pub(crate) fn visitor<'a>(&'a self, world: &'a World, openid: &str) -> Visitor<'a> {
        world.visitor(&self.binding, openid)
    }

    /// Assigns a conversation with another visitor to the agent, which fills a capacity of 1.
    pub(crate) async fn occupy_agent<'a>(&'a self, world: &'a World) -> Visitor<'a> {
        let visitor = self.visitor(world, "o-busy");
        visitor.writes("转人工").await;
        assert_eq!(visitor.agent().await.as_deref(), Some(self.agent.as_str()));
        visitor
    }
}

/// The value of [`Visitor::stage_and_agent`] for a conversation assigned to this agent.
pub(crate) fn assigned_to(agent: &str) -> (String, Option<String>) {
    ("assigned".to_owned(), Some(agent.to_owned()))
}
