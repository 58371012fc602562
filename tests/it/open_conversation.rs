//! A visitor's open conversation and the operations on it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Binding, TABLE, Visitor, World};

/// A visitor's open conversation.
pub(crate) struct OpenConversation<'a> {
    pub(crate) world: &'a World,
    pub(crate) visitor: Visitor<'a>,
    pub(crate) cid: String,
    pub(crate) uid: String,
}

impl World {
    /// Opens a conversation with a visitor's first text.
    pub(crate) async fn open_conversation<'a>(&'a self, binding: &'a Binding, openid: &str) -> OpenConversation<'a> {
        let visitor = self.visitor(binding, openid);
        visitor.text("在吗?").await;
        self.settle().await;
        let conversation = visitor.conversation().await;
        let text = |field: &str| conversation[field].as_str().unwrap().to_owned();
        OpenConversation { world: self, cid: text("cid"), uid: text("uid"), visitor }
    }

    /// Resets the simulator's call counters.
    pub(crate) async fn reset_wechat_calls(&self) {
        self.sim_call(Method::DELETE, "/sim/calls", &Value::Null).await.expect(204);
    }

    /// The number of access token requests to WeChat.
    pub(crate) async fn token_calls(&self) -> u64 {
        self.sim_calls("/cgi-bin/stable_token").await
    }

    /// All items of the table, sorted by key.
    pub(crate) async fn all_items(&self) -> Vec<Value> {
        let (mut items, mut scan) = (Vec::new(), json!({ "TableName": TABLE, "ConsistentRead": true }));
        loop {
            let page = self.dynamodb(local::OWN_KEY, "Scan", &scan).await.expect(200).body;
            items.extend(page["Items"].as_array().unwrap().iter().cloned());
            match page.get("LastEvaluatedKey") {
                Some(last) => scan["ExclusiveStartKey"] = last.clone(),
                None => break,
            }
        }
        items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
        items
    }
}

impl OpenConversation<'_> {
    /// The path of the conversation's messages.
    pub(crate) fn messages_path(&self) -> String {
        format!("/api/conversations/{}/messages", self.cid)
    }

    /// The path of the conversation's cards.
    pub(crate) fn cards_path(&self) -> String {
        format!("/api/conversations/{}/cards", self.cid)
    }

    /// Sends a text.
    pub(crate) async fn send_text(&self, content: &str) -> Answer {
        self.post(&text(content)).await
    }

    /// Sends a message.
    pub(crate) async fn post(&self, message: &Value) -> Answer {
        self.world.post(&self.messages_path(), message).await
    }

    /// Sends a message with an `Idempotency-Key`.
    pub(crate) async fn post_once(&self, key: &str, message: &Value) -> Answer {
        self.world.post_once(key, &self.messages_path(), message).await
    }

    /// Sends a card.
    pub(crate) async fn send_card(&self, card: &Value) -> Answer {
        self.world.post(&self.cards_path(), card).await
    }

    /// A card as the page in the workbench's iframe posts it, without a cover.
    pub(crate) fn card_without_cover(&self) -> Value {
        json!({
            "cid": self.cid, "uid": self.uid, "msgType": 26,
            "miniPage": { "name": "小程序名字", "title": "小程序标题", "pagepath": "pages/index/index" },
        })
    }

    /// A card whose cover is uploaded already.
    pub(crate) fn card_with_media_id(&self, media_id: &str) -> Value {
        let mut card = self.card_without_cover();
        card["miniPage"]["thumbMediaId"] = json!(media_id);
        card
    }

    /// A card whose cover is fetched from a URL.
    pub(crate) fn card_with_cover_at(&self, address: &str) -> Value {
        let mut card = self.card_without_cover();
        card["miniPage"]["thumbUrl"] = json!(address);
        card
    }

    /// The messages of the conversation, oldest first.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        self.world.list(&self.messages_path()).await
    }

    /// The stored message with this id.
    pub(crate) async fn message(&self, id: &str) -> Value {
        self.messages().await.into_iter().find(|message| message["id"] == id).unwrap()
    }

    /// Uploads a picture as the cover of a card and returns its media id.
    pub(crate) async fn upload_cover(&self, address: &str) -> String {
        let sent = self.send_card(&self.card_with_cover_at(address)).await.expect(201);
        sent.body["miniprogrampage"]["thumb_media_id"].as_str().unwrap().to_owned()
    }
}

/// The request body of a text.
pub(crate) fn text(content: &str) -> Value {
    json!({ "type": "text", "text": { "content": content } })
}

/// Checks that an answer is a problem document and returns its status, code and WeChat errcode.
#[track_caller]
pub(crate) fn problem(answer: &Answer) -> (u16, &str, Option<i64>) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.raw);
    assert_eq!(answer.body["status"], answer.status, "{}", answer.raw);
    assert!(answer.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", answer.raw);
    (answer.status, answer.body["code"].as_str().unwrap(), answer.body["errcode"].as_i64())
}

/// The fields that a problem document names, in order.
#[track_caller]
pub(crate) fn fields(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().unwrap_or_else(|| panic!("{}", answer.raw));
    errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
}
