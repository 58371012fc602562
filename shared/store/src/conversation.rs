//! Conversations: what a visitor asked for and how it went. A visitor has one open conversation at most.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{TransactWriteItem, Update},
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    error::{Result, StoreError},
    inbox::{InboundRef, built, cancelled_at},
    item::{Attributes, Build, Read, at, n, s},
    keys,
    message::{Message, Thread},
    table::{Page, SERVICE, Table},
};

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationState {
    /// It goes on.
    Open,
    /// It has ended; the visitor's next message opens another.
    Closed,
}

/// A conversation. It serialises as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Conversation {
    /// Its id.
    pub cid: String,
    /// The visitor's opaque id.
    pub uid: String,
    /// The mini program's AppID.
    pub app_id: String,
    /// The visitor's openid.
    pub openid: String,
    /// Where it stands.
    pub state: ConversationState,
    /// Whether a person has replied in it; the automatic reply is silent from then on.
    pub answered: bool,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When the visitor last wrote.
    pub last_message_at: Timestamp,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    #[serde(skip)]
    first_message: String,
}

/// What is kept about a visitor beside their messages.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// Their open conversation.
    pub open_cid: Option<String>,
    /// The `session-from` they last entered with.
    pub session_from: Option<String>,
}

impl Conversation {
    /// The visitor's thread.
    pub fn thread(&self) -> Thread {
        Thread::new(&self.app_id, &self.openid)
    }

    pub(crate) fn opened(cid: &str, message: &InboundRef, now: Timestamp) -> Attributes {
        Build::new(keys::CONVERSATION, keys::conversation(cid), keys::CONVERSATION)
            .set("lists_pk", s(keys::LIST_CONVERSATIONS))
            .set("lists_sk", s(format!("{}#{cid}", keys::instant(now))))
            .set("cid", s(cid))
            .set("app_id", s(&message.thread.app_id))
            .set("openid", s(&message.thread.openid))
            .set("state", s("open"))
            .set("created_at", at(now))
            .set("last_message_at", at(message.created_at))
            .set("first_message", s(&message.id))
            .set("seq", n(1))
            .done()
    }

    fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::CONVERSATION, item };
        let thread = Thread::new(read.s("app_id")?, read.s("openid")?);
        Ok(Self {
            cid: read.owned("cid")?,
            uid: thread.uid(),
            state: match read.s("state")? {
                "open" => ConversationState::Open,
                "closed" => ConversationState::Closed,
                _ => return Err(read.corrupt("state")),
            },
            answered: item.contains_key("answered_at"),
            created_at: read.at("created_at")?,
            last_message_at: read.at("last_message_at")?,
            closed_at: read.opt_at("closed_at"),
            first_message: read.owned("first_message")?,
            app_id: thread.app_id,
            openid: thread.openid,
        })
    }
}

/// How often a write is tried on an item that a transaction holds: it holds it for milliseconds.
const TRIES: u32 = 3;

/// Whether a transaction held the item: the visitor's next message is being processed at this moment.
fn is_held(error: &SdkError<UpdateItemError>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_transaction_conflict_exception)
}

impl Table {
    /// The visitor of a thread, if they were seen before.
    pub async fn visitor(&self, thread: &Thread) -> Result<Option<Visitor>> {
        let item = self.get(thread.pk(), keys::VISITOR, true).await?;
        Ok(item.map(|item| {
            let read = Read { kind: keys::VISITOR, item: &item };
            Visitor {
                open_cid: read.opt_s("open_cid").map(ToOwned::to_owned),
                session_from: read.opt_s("session_from").map(ToOwned::to_owned),
            }
        }))
    }

    /// A conversation.
    pub async fn conversation(&self, cid: &str) -> Result<Option<Conversation>> {
        let item = self.get(keys::conversation(cid), keys::CONVERSATION, true).await?;
        item.as_ref().map(Conversation::read).transpose()
    }

    /// Conversations, the newest first.
    pub async fn conversations(&self, cursor: Option<&str>, limit: i32) -> Result<Page<Conversation>> {
        let (found, cursor) = self.list_keys(keys::LIST_CONVERSATIONS, true, cursor, limit).await?;
        let items = self.get_all(&found).await?.iter().map(Conversation::read).collect::<Result<_>>()?;
        Ok(Page { items, cursor })
    }

    /// The messages of a conversation, oldest first.
    pub async fn conversation_messages(
        &self,
        conversation: &Conversation,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<Message>> {
        let first = Some(conversation.first_message.as_str());
        self.messages(&conversation.thread(), Some(&conversation.cid), first, cursor, limit).await
    }

    /// Notes that a person has replied. Nothing happens when one had before. [`StoreError::Conflict`] when
    /// transactions held the conversation all the time.
    pub async fn mark_answered(&self, conversation: &Conversation) -> Result<()> {
        if conversation.answered {
            return Ok(());
        }
        for _ in 0..TRIES {
            let Err(error) = self.try_mark_answered(conversation).await else {
                return Ok(());
            };
            if !is_held(&error) {
                return match StoreError::from_sdk(SERVICE, &error) {
                    // The conversation is gone.
                    StoreError::Conflict => Ok(()),
                    error => Err(error),
                };
            }
        }
        Err(StoreError::Conflict)
    }

    async fn try_mark_answered(
        &self,
        conversation: &Conversation,
    ) -> std::result::Result<(), SdkError<UpdateItemError>> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", s(keys::conversation(&conversation.cid)))
            .key("sk", s(keys::CONVERSATION))
            .update_expression("SET answered_at = if_not_exists(answered_at, :now)")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", at(self.clock.now()))
            .send()
            .await;
        answer.map(drop)
    }

    /// Closes a conversation; `false` when it was closed before.
    pub async fn close_conversation(&self, conversation: &Conversation) -> Result<bool> {
        let cid = &conversation.cid;
        let close = Update::builder()
            .table_name(&self.name)
            .key("pk", s(keys::conversation(cid)))
            .key("sk", s(keys::CONVERSATION))
            .update_expression("SET #state = :closed, closed_at = :now ADD seq :one")
            .condition_expression("#state = :open")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":closed", s("closed"))
            .expression_attribute_values(":open", s("open"))
            .expression_attribute_values(":now", at(self.clock.now()))
            .expression_attribute_values(":one", n(1));
        let free = Update::builder()
            .table_name(&self.name)
            .key("pk", s(conversation.thread().pk()))
            .key("sk", s(keys::VISITOR))
            .update_expression("REMOVE open_cid")
            .condition_expression("open_cid = :cid")
            .expression_attribute_values(":cid", s(cid));
        let writes = vec![
            TransactWriteItem::builder().update(built(close.build())?).build(),
            TransactWriteItem::builder().update(built(free.build())?).build(),
        ];
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(true),
            Err(error) => match cancelled_at(&error) {
                Some(0) => Ok(false),
                Some(_) => Err(StoreError::Conflict),
                None => Err(StoreError::from_sdk(SERVICE, &error)),
            },
        }
    }
}
