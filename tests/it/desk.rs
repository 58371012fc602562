//! A visitor's open conversation, and what a person at the desk does in it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Binding, TABLE, Visitor, World};

/// A conversation that a visitor has opened.
pub(crate) struct Chat<'a> {
    pub(crate) world: &'a World,
    pub(crate) visitor: Visitor<'a>,
    pub(crate) cid: String,
    pub(crate) uid: String,
}

impl World {
    /// A visitor writes, and their conversation is open.
    pub(crate) async fn chat<'a>(&'a self, binding: &'a Binding, openid: &str) -> Chat<'a> {
        let visitor = self.visitor(binding, openid);
        visitor.text("在吗?").await;
        self.settle().await;
        let conversation = visitor.conversation().await;
        let text = |field: &str| conversation[field].as_str().unwrap().to_owned();
        Chat { world: self, cid: text("cid"), uid: text("uid"), visitor }
    }

    /// Counts the calls to WeChat from nothing.
    pub(crate) async fn forget_calls(&self) {
        self.sim_call(Method::DELETE, "/sim/calls", &Value::Null).await.expect(204);
    }

    /// How often WeChat was asked for an access token.
    pub(crate) async fn token_calls(&self) -> u64 {
        self.sim_calls("/cgi-bin/stable_token").await
    }

    /// Every item of the table, as it is kept.
    pub(crate) async fn whole_table(&self) -> Vec<Value> {
        let page = self.dynamodb(local::OWN_KEY, "Scan", &json!({ "TableName": TABLE })).await.expect(200).body;
        assert_eq!(page.get("LastEvaluatedKey"), None, "the table is longer than a page");
        let mut items = page["Items"].as_array().unwrap().clone();
        items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
        items
    }
}

impl Chat<'_> {
    /// Where the conversation's messages are.
    pub(crate) fn messages_path(&self) -> String {
        format!("/api/conversations/{}/messages", self.cid)
    }

    /// Where cards for it go.
    pub(crate) fn cards_path(&self) -> String {
        format!("/api/conversations/{}/cards", self.cid)
    }

    /// Says a text.
    pub(crate) async fn say(&self, content: &str) -> Answer {
        self.post(&text(content)).await
    }

    /// Posts any message.
    pub(crate) async fn post(&self, message: &Value) -> Answer {
        self.world.post(&self.messages_path(), message).await
    }

    /// Posts a message under an `Idempotency-Key`.
    pub(crate) async fn post_once(&self, key: &str, message: &Value) -> Answer {
        self.world.post_once(key, &self.messages_path(), message).await
    }

    /// Posts a card.
    pub(crate) async fn card(&self, card: &Value) -> Answer {
        self.world.post(&self.cards_path(), card).await
    }

    /// A card as a page in the workbench's iframe posts it, without a cover yet.
    pub(crate) fn blank_card(&self) -> Value {
        json!({
            "cid": self.cid, "uid": self.uid, "msgType": 26,
            "miniPage": { "name": "小程序名字", "title": "小程序标题", "pagepath": "pages/index/index" },
        })
    }

    /// A card whose cover WeChat already has.
    pub(crate) fn card_with(&self, media_id: &str) -> Value {
        let mut card = self.blank_card();
        card["miniPage"]["thumbMediaId"] = json!(media_id);
        card
    }

    /// A card whose cover is at an address.
    pub(crate) fn card_from(&self, address: &str) -> Value {
        let mut card = self.blank_card();
        card["miniPage"]["thumbUrl"] = json!(address);
        card
    }

    /// What was said in the conversation, oldest first.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        self.world.list(&self.messages_path()).await
    }

    /// The message with this id, as it is kept.
    pub(crate) async fn message(&self, id: &str) -> Value {
        self.messages().await.into_iter().find(|message| message["id"] == id).unwrap()
    }

    /// The media id of a picture that WeChat has now: that of a card's cover, sent to the visitor.
    pub(crate) async fn uploaded(&self, address: &str) -> String {
        let sent = self.card(&self.card_from(address)).await.expect(201);
        sent.body["miniprogrampage"]["thumb_media_id"].as_str().unwrap().to_owned()
    }
}

/// A text as it is posted.
pub(crate) fn text(content: &str) -> Value {
    json!({ "type": "text", "text": { "content": content } })
}

/// The problem that an answer is: its status, its code and its WeChat errcode.
#[track_caller]
pub(crate) fn problem(answer: &Answer) -> (u16, &str, Option<i64>) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.raw);
    assert_eq!(answer.body["status"], answer.status, "{}", answer.raw);
    assert!(answer.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", answer.raw);
    (answer.status, answer.body["code"].as_str().unwrap(), answer.body["errcode"].as_i64())
}

/// The fields that a problem names, in its order.
#[track_caller]
pub(crate) fn fields(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().unwrap_or_else(|| panic!("{}", answer.raw));
    errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
}
