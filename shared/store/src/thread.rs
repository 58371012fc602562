//! Threads: what a visitor and a mini program wrote to each other.

use serde::{Deserialize, Serialize};

use crate::{
    conversation::Conversation,
    error::{Result, StoreError},
    handles::ThreadReader,
    item::{Attributes, Read},
    keys,
    message::{Message, MessageState},
    table::{Page, SERVICE},
};

/// One visitor of one mini program. All their messages are one partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Thread {
    /// The mini program's AppID.
    pub app_id: String,
    /// The visitor's openid. The same person has another openid in each mini program.
    pub openid: String,
}

impl Thread {
    /// A thread.
    pub fn new(app_id: impl Into<String>, openid: impl Into<String>) -> Self {
        Self { app_id: app_id.into(), openid: openid.into() }
    }

    /// The opaque id that stands for this visitor in our API.
    pub fn uid(&self) -> String {
        format!("u{}", keys::short_hash(&["visitor", &self.app_id, &self.openid]))
    }

    /// The id of the conversation that the message with this id opens. It follows from the message, so that a
    /// function that is stopped and run again opens the same one.
    pub fn cid(&self, message_id: &str) -> String {
        format!("c{}", keys::short_hash(&["conversation", &self.app_id, &self.openid, message_id]))
    }

    pub(crate) fn pk(&self) -> String {
        keys::thread(&self.app_id, &self.openid)
    }
}

impl ThreadReader {
    /// One message.
    pub async fn message(&self, thread: &Thread, id: &str) -> Result<Option<Message>> {
        let item = self.0.get(thread.pk(), &keys::message(id), true).await?;
        item.as_ref().map(Message::read).transpose()
    }

    /// These messages of a thread, in this order; those that are gone are left out.
    pub async fn messages_of(&self, thread: &Thread, ids: &[String]) -> Result<Vec<Message>> {
        let keys: Vec<_> = ids.iter().map(|id| (thread.pk(), keys::message(id))).collect();
        self.0.get_all_consistent(&keys).await?.iter().map(Message::read).collect()
    }

    /// The ids of pending messages in a thread since this message, oldest first.
    pub async fn pending_since(&self, thread: &Thread, id: &str) -> Result<Vec<String>> {
        // From the beginning of the message's second: replies to it sort behind it.
        let second = id.split('-').next().unwrap_or_default();
        let items = self.0.between(&thread.pk(), &keys::message(second), &keys::message("~")).limit(100).send().await;
        let items = items.map_err(|error| StoreError::from_sdk(SERVICE, &error))?.items.unwrap_or_default();
        let messages: Vec<Message> = items.iter().map(Message::read).collect::<Result<_>>()?;
        let pending = messages.into_iter().filter(|message| message.state == MessageState::Pending);
        Ok(pending.map(|message| message.id).collect())
    }

    /// Whether anything is stored of a visitor.
    pub async fn is_known(&self, thread: &Thread) -> Result<bool> {
        Ok(!self.0.partition(thread.pk(), "", 1).await?.is_empty())
    }

    /// The cids of a visitor's conversations, oldest first. Those of earlier versions that were closed before are missing; see
    /// [`has_link`](Self::has_link).
    pub async fn visitor_conversations(
        &self,
        thread: &Thread,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<String>> {
        cids(self.0.page(thread.pk(), keys::HAS_CONVERSATION, cursor, limit).await?)
    }

    /// The same, newest first.
    pub async fn newest_conversations(
        &self,
        thread: &Thread,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<String>> {
        cids(self.0.page_from_the_end(thread.pk(), keys::HAS_CONVERSATION, cursor, limit).await?)
    }

    /// Whether a conversation is among those of [`visitor_conversations`](Self::visitor_conversations).
    pub async fn has_link(&self, conversation: &Conversation) -> Result<bool> {
        let sk = keys::visitor_conversation(conversation.created_at, &conversation.cid);
        Ok(self.0.get(conversation.thread().pk(), &sk, true).await?.is_some())
    }
}

/// The cids of a page of links to conversations.
fn cids(page: Page<Attributes>) -> Result<Page<String>> {
    let cid = |item| Read { kind: keys::VISITOR_CONVERSATION, item }.owned("cid");
    Ok(Page { items: page.items.iter().map(cid).collect::<Result<_>>()?, cursor: page.cursor })
}
