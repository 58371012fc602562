//! The reception of the demo mini program: a robot with a few questions, and a group with one agent.
//!
//! The agent is offline, so that visitors who ask for an agent can leave a message until the agent is set online through the API.
//! A question that the robot cannot answer gets the automatic reply.

use http::Method;
use serde_json::{Value, json};

use super::{AUTO_REPLY, ApiClient};
use crate::LocalError;

/// The questions of the robot, in the format of the API.
const QUESTIONS: &str = include_str!("questions.json");

const GREETING: &str =
    "您好，这里是 Kefu 演示客服。您可以问我发货、运费、退货、发票、保存和物流；回复“转人工”联系人工客服。";

/// Creates the robot, the agent and the group, and returns the `reception` of the binding.
pub(super) async fn create(api_client: &ApiClient, api: &str) -> Result<Value, LocalError> {
    let create_record = async |kind: &str, body: Value| {
        let url = format!("{api}/api/{kind}");
        let created = api_client.send(Method::POST, &url, &body).await?;
        let id = created["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| LocalError::Demo(format!("{url}: no id in {created}")))
    };
    let fallback = format!("{AUTO_REPLY}这个问题演示机器人还不会回答，您可以换个说法再问问。");
    let robot = create_record("robots", json!({ "name": "演示机器人", "kind": "faq", "fallback": fallback })).await?;
    let questions: Vec<Value> = serde_json::from_str(QUESTIONS)?;
    for question in questions {
        create_record(&format!("robots/{robot}/questions"), question).await?;
    }
    let agent = create_record("agents", json!({ "name": "小林" })).await?;
    let group = create_record("groups", json!({ "name": "售前", "members": [agent] })).await?;
    // People who try the demo write session-from texts with the ids of groups and robots that they create.
    let allow = json!({ "robots": "all", "groups": "all", "agents": "all" });
    Ok(json!({ "mode": "robot_first", "allow": allow, "robot_id": robot, "group_id": group, "greeting": GREETING }))
}
