//! Threads: what a visitor and a mini program wrote to each other.

use desk::conversation::AuthorRole;
use jiff::Timestamp;

use crate::{
    conversation::Conversation,
    error::{Result, StoreError},
    handles::ThreadReader,
    item::s,
    keys,
    message::{Message, MessageState},
    table::{Page, SERVICE, Table},
};

/// One visitor of one mini program. All their messages are one partition, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

/// The greatest number of consecutive set texts: connected, queued, a warning.
const PROMPTS_AT_ONCE: i32 = 4;

impl ThreadReader {
    /// The messages of a conversation, oldest first.
    pub async fn conversation_messages(
        &self,
        conversation: &Conversation,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<Message>> {
        let first = Some(conversation.first_message.as_str());
        self.0.messages(&conversation.thread(), Some(&conversation.cid), first, cursor, limit).await
    }

    /// When either side last wrote in a visitor's thread. Set texts, such as an idle warning, do not count.
    pub async fn last_said_at(&self, thread: &Thread) -> Result<Option<Timestamp>> {
        let last = self.last_messages(thread, PROMPTS_AT_ONCE + 1).await?;
        let is_prompt =
            |message: &&Message| message.author.as_ref().is_some_and(|author| author.role == AuthorRole::Prompt);
        Ok(last.iter().find(|message| !is_prompt(message)).map(|last| last.created_at))
    }

    /// The last messages of a visitor's thread, the newest first.
    pub async fn last_messages(&self, thread: &Thread, limit: i32) -> Result<Vec<Message>> {
        let answer = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :message)")
            .expression_attribute_values(":pk", s(thread.pk()))
            .expression_attribute_values(":message", s(keys::MESSAGE_PREFIX))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(limit)
            .send()
            .await;
        let answer = answer.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        answer.items().iter().map(Message::read).collect()
    }

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
        let page = self.0.messages(thread, None, Some(second), None, 100).await?;
        let pending = page.items.into_iter().filter(|message| message.state == MessageState::Pending);
        Ok(pending.map(|message| message.id).collect())
    }

    /// The messages of a visitor, oldest first.
    pub async fn thread_messages(&self, thread: &Thread, cursor: Option<&str>, limit: i32) -> Result<Page<Message>> {
        self.0.messages(thread, None, None, cursor, limit).await
    }
}

impl Table {
    /// The messages of one conversation, oldest first; `first` bounds where they lie in the thread.
    pub(crate) async fn messages(
        &self,
        thread: &Thread,
        cid: Option<&str>,
        first: Option<&str>,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<Message>> {
        let (first, end) = (first.unwrap_or_default(), "~");
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", s(thread.pk()))
            .expression_attribute_values(":from", s(keys::message(first)))
            .expression_attribute_values(":to", s(keys::message(end)))
            .consistent_read(true)
            .limit(limit);
        if let Some(cid) = cid {
            query = query.filter_expression("cid = :cid").expression_attribute_values(":cid", s(cid));
        }
        if let Some(cursor) = cursor {
            let last = keys::from_cursor(cursor)?;
            // DynamoDB refuses a start key outside of what the query asks for.
            if !last.starts_with(|character: char| character.is_ascii_digit()) || !(first..end).contains(&last.as_str())
            {
                return Err(StoreError::Cursor);
            }
            query = query.exclusive_start_key("pk", s(thread.pk())).exclusive_start_key("sk", s(keys::message(&last)));
        }
        let answer = query.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        let next = answer.last_evaluated_key.as_ref().and_then(|last| last.get("sk")).and_then(|sk| sk.as_s().ok());
        let next = next.and_then(|sk| sk.strip_prefix(keys::MESSAGE_PREFIX)).map(keys::cursor);
        let items = answer.items.unwrap_or_default().iter().map(Message::read).collect::<Result<_>>()?;
        Ok(Page { items, cursor: next })
    }
}
