//! Who receives the demo mini program's visitors: a robot that knows a few answers, and a group with one agent.
//!
//! Nobody is at that agent's desk, so whoever asks for a person is invited to leave a message until somebody comes online by
//! the API. What the robot does not know gets the automatic reply and the way to a person.

use http::Method;
use serde_json::{Value, json};

use super::{AUTO_REPLY, Caller};
use crate::LocalError;

/// What the robot knows, as the API takes it.
const QUESTIONS: &str = include_str!("questions.json");

const GREETING: &str =
    "您好，这里是 Kefu 演示客服。您可以问我发货、运费、退货、发票、保存和物流；回复“转人工”联系人工客服。";

/// Sets up robot, agent and group, and returns the `reception` of the binding.
pub(super) async fn set_up(caller: &Caller<'_>, api: &str) -> Result<Value, LocalError> {
    let create = async |what: &str, body: Value| {
        let url = format!("{api}/api/{what}");
        let made = caller.send(Method::POST, &url, &body).await?;
        let id = made["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| LocalError::Demo(format!("{url} was answered without an id: {made}")))
    };
    let fallback = format!("{AUTO_REPLY}这个问题演示机器人还不会回答，您可以换个说法再问问。");
    let robot = create("robots", json!({ "name": "演示机器人", "kind": "faq", "fallback": fallback })).await?;
    let questions: Vec<Value> = serde_json::from_str(QUESTIONS)?;
    for question in questions {
        create(&format!("robots/{robot}/questions"), question).await?;
    }
    let agent = create("agents", json!({ "name": "小林" })).await?;
    let group = create("groups", json!({ "name": "售前", "members": [agent] })).await?;
    Ok(json!({ "mode": "robot_first", "robot_id": robot, "group_id": group, "greeting": GREETING }))
}
