//! A visitor with the simulated phone.

use serde_json::{Value, json};

use super::{Answer, World};

/// One visitor of one mini program.
pub(crate) struct Visitor<'a> {
    pub(super) world: &'a World,
    pub(crate) app_id: &'a str,
    pub(crate) openid: String,
}

impl Visitor<'_> {
    /// Writes a text; WeChat must have been content with the callback's answer.
    pub(crate) async fn text(&self, content: &str) -> Answer {
        self.does("text", json!({ "content": content })).await
    }

    /// Enters by the contact button.
    pub(crate) async fn enter(&self, session_from: &str) -> Answer {
        self.does("enter", json!({ "session_from": session_from })).await
    }

    /// Does `enter`, `text`, `image`, `card` or `raw`; WeChat must have been content with the callback's answer.
    pub(crate) async fn does(&self, act: &str, with: Value) -> Answer {
        let answer = self.tries(act, with).await;
        assert_eq!(answer.body["delivered"], true, "{}", answer.raw);
        answer
    }

    /// The same, whatever WeChat made of the answer.
    pub(crate) async fn tries(&self, act: &str, mut with: Value) -> Answer {
        with["app_id"] = json!(self.app_id);
        self.world.sim_post(&format!("/sim/visitors/{}/{act}", self.openid), &with).await.expect(200)
    }

    /// Writes a text some seconds after whatever was last, and everything that comes of it happens. WeChat's seconds
    /// tell what was sent before a message and what after it, as between people who take their time.
    pub(crate) async fn says(&self, content: &str) {
        self.world.advance(5);
        self.text(content).await;
        self.world.settle().await;
    }

    /// Enters some seconds after whatever was last, and everything that comes of it happens.
    pub(crate) async fn comes(&self, session_from: &str) {
        self.world.advance(5);
        self.enter(session_from).await;
        self.world.settle().await;
    }

    /// The last text on the phone.
    pub(crate) async fn last_text(&self) -> String {
        self.phone_texts().await.last().cloned().unwrap_or_default()
    }

    /// Who has the open conversation: its stage and, where there is one, the agent.
    pub(crate) async fn with_whom(&self) -> (String, Option<String>) {
        let conversation = self.conversation().await;
        let agent = conversation["assignee"]["agent_id"].as_str().map(ToOwned::to_owned);
        (conversation["stage"].as_str().unwrap().to_owned(), agent)
    }

    /// The stage of the open conversation.
    pub(crate) async fn stage(&self) -> String {
        self.with_whom().await.0
    }

    /// The agent who has the open conversation.
    pub(crate) async fn agent(&self) -> Option<String> {
        self.with_whom().await.1
    }

    /// The id of the open conversation.
    pub(crate) async fn cid(&self) -> String {
        self.conversation().await["cid"].as_str().unwrap().to_owned()
    }

    /// How many replies WeChat still grants, as WeChat counts.
    pub(crate) async fn granted(&self) -> u64 {
        let path = format!("/sim/visitors/{}/messages?app_id={}", self.openid, self.app_id);
        self.world.sim_get(&path).await.expect(200).body["quota_left"].as_u64().unwrap()
    }

    /// What the phone has received, oldest first.
    pub(crate) async fn phone(&self) -> Vec<Value> {
        let path = format!("/sim/visitors/{}/messages?app_id={}", self.openid, self.app_id);
        self.world.sim_get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
    }

    /// The texts that the phone has received.
    pub(crate) async fn phone_texts(&self) -> Vec<String> {
        let items = self.phone().await;
        items.iter().filter_map(|item| item["text"]["content"].as_str()).map(ToOwned::to_owned).collect()
    }

    /// What was kept of this visitor, in the order of the thread.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        self.world.list(&format!("/api/bindings/{}/visitors/{}/messages", self.app_id, self.openid)).await
    }

    /// What came in.
    pub(crate) async fn inbound(&self) -> Vec<Value> {
        self.messages().await.into_iter().filter(|message| message["direction"] == "in").collect()
    }

    /// What was said to the visitor.
    pub(crate) async fn outbound(&self) -> Vec<Value> {
        self.messages().await.into_iter().filter(|message| message["direction"] == "out").collect()
    }

    /// The visitor's conversations, the newest first.
    pub(crate) async fn conversations(&self) -> Vec<Value> {
        let mut all = self.world.conversations().await;
        all.retain(|conversation| {
            conversation["openid"] == self.openid.as_str() && conversation["app_id"] == self.app_id
        });
        all
    }

    /// The one open conversation.
    pub(crate) async fn conversation(&self) -> Value {
        let mut open = self.conversations().await;
        open.retain(|conversation| conversation["state"] == "open");
        assert_eq!(open.len(), 1, "{open:?}");
        open.remove(0)
    }

    /// A person answers in the open conversation.
    pub(crate) async fn is_told(&self, content: &str) -> Answer {
        let cid = self.conversation().await["cid"].as_str().unwrap().to_owned();
        let body = json!({ "type": "text", "text": { "content": content } });
        self.world.post(&format!("/api/conversations/{cid}/messages"), &body).await
    }
}
