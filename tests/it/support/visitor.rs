//! A visitor who uses the simulated phone.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, World};

/// A visitor of a mini program.
pub(crate) struct Visitor<'a> {
    pub(crate) world: &'a World,
    pub(crate) app_id: &'a str,
    pub(crate) openid: String,
}

impl Visitor<'_> {
    /// Pushes a text; the callback must answer `success`.
    pub(crate) async fn text(&self, content: &str) -> Answer {
        self.pushes("text", json!({ "content": content })).await
    }

    /// Pushes the event of entering by the contact button.
    pub(crate) async fn enter(&self, session_from: &str) -> Answer {
        self.pushes("enter", json!({ "session_from": session_from })).await
    }

    /// Pushes `enter`, `text`, `image`, `card` or `raw`; the callback must answer `success`.
    pub(crate) async fn pushes(&self, act: &str, with: Value) -> Answer {
        let answer = self.pushes_unchecked(act, with).await;
        assert_eq!(answer.body["delivered"], true, "{}", answer.raw);
        answer
    }

    /// Pushes without checking the callback's answer.
    pub(crate) async fn pushes_unchecked(&self, act: &str, mut with: Value) -> Answer {
        with["app_id"] = json!(self.app_id);
        self.world.sim_post(&format!("/sim/visitors/{}/{act}", self.openid), &with).await.expect(200)
    }

    /// Pushes a text five seconds later and settles the streams. The pause gives the text another `CreateTime` than the
    /// replies before it.
    pub(crate) async fn writes(&self, content: &str) {
        self.world.advance(5);
        self.text(content).await;
        self.world.settle().await;
    }

    /// Pushes an enter event five seconds later and settles the streams.
    pub(crate) async fn enters(&self, session_from: &str) {
        self.world.advance(5);
        self.enter(session_from).await;
        self.world.settle().await;
    }

    /// The last text on the phone.
    pub(crate) async fn last_text(&self) -> String {
        self.received_texts().await.last().cloned().unwrap_or_default()
    }

    /// The stage of the open conversation and its assignee, if any.
    pub(crate) async fn stage_and_agent(&self) -> (String, Option<String>) {
        let conversation = self.conversation().await;
        let agent = conversation["assignee"]["agent_id"].as_str().map(ToOwned::to_owned);
        (conversation["stage"].as_str().unwrap().to_owned(), agent)
    }

    /// The stage of the open conversation.
    pub(crate) async fn stage(&self) -> String {
        self.stage_and_agent().await.0
    }

    /// The assignee of the open conversation.
    pub(crate) async fn agent(&self) -> Option<String> {
        self.stage_and_agent().await.1
    }

    /// The id of the open conversation.
    pub(crate) async fn cid(&self) -> String {
        self.conversation().await["cid"].as_str().unwrap().to_owned()
    }

    /// The replies left by WeChat's count.
    pub(crate) async fn replies_left_at_wechat(&self) -> u64 {
        let path = format!("/sim/visitors/{}/messages?app_id={}", self.openid, self.app_id);
        self.world.sim_get(&path).await.expect(200).body["quota_left"].as_u64().unwrap()
    }

    /// What the phone has received, oldest first.
    pub(crate) async fn received(&self) -> Vec<Value> {
        let path = format!("/sim/visitors/{}/messages?app_id={}", self.openid, self.app_id);
        self.world.sim_get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
    }

    /// The texts that the phone has received.
    pub(crate) async fn received_texts(&self) -> Vec<String> {
        let items = self.received().await;
        items.iter().filter_map(|item| item["text"]["content"].as_str()).map(ToOwned::to_owned).collect()
    }

    /// The stored messages of this visitor, in thread order.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        self.world.list(&format!("/api/bindings/{}/visitors/{}/messages", self.app_id, self.openid)).await
    }

    /// The stored inbound messages.
    pub(crate) async fn inbound(&self) -> Vec<Value> {
        self.messages().await.into_iter().filter(|message| message["direction"] == "in").collect()
    }

    /// The stored outbound messages.
    pub(crate) async fn outbound(&self) -> Vec<Value> {
        self.messages().await.into_iter().filter(|message| message["direction"] == "out").collect()
    }

    /// The visitor's conversations, newest first.
    pub(crate) async fn conversations(&self) -> Vec<Value> {
        let mut all = self.world.conversations().await;
        all.retain(|conversation| {
            conversation["openid"] == self.openid.as_str() && conversation["app_id"] == self.app_id
        });
        all
    }

    /// The visitor's only open conversation.
    pub(crate) async fn conversation(&self) -> Value {
        let mut open = self.conversations().await;
        open.retain(|conversation| conversation["state"] == "open");
        assert_eq!(open.len(), 1, "{open:?}");
        open.remove(0)
    }

    /// Sends a text in the open conversation as the agent who has it, or as the admin where no agent does.
    pub(crate) async fn agent_replies(&self, content: &str) -> Answer {
        let conversation = self.conversation().await;
        let path = format!("/api/conversations/{}/messages", conversation["cid"].as_str().unwrap());
        let body = json!({ "type": "text", "text": { "content": content } });
        match conversation["assignee"]["agent_id"].as_str() {
            Some(agent) => {
                let token = self.world.agent_token(agent).await;
                self.world.call(Some(&token), Method::POST, &path, Some(&body)).await
            }
            None => self.world.post(&path, &body).await,
        }
    }
}
