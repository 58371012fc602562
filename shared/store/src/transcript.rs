//! The order of a thread: messages in the order of their arrival here.
//!
//! The key of a message cannot have that order. A push is recognised by WeChat's `CreateTime` when it comes again, and an
//! automatic reply has the second of the message that it answers, so that it is written once. Both may lie before or after the
//! time of arrival: WeChat repeats a push for 15 seconds, its clock is not ours, and the minute tick takes up what a function
//! has left behind. A message is therefore read from the key of its second and listed at its time of arrival, up to
//! [`SHIFT_MAX`] from that second. What lies further away, as after a clock that was wrong, is listed at that distance.
//!
//! A page ends where no message that is still unread can come before it. The next one begins to read [`SHIFT_MAX`] earlier
//! and leaves out what was listed. The same holds for a list that begins with the newest message.

use std::cmp::{Ordering, Reverse};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use crate::{
    conversation::Conversation,
    error::{Result, StoreError},
    handles::ThreadReader,
    item::{Attributes, s},
    keys,
    message::Message,
    table::{Page, SERVICE, Table},
    thread::Thread,
};

/// How far a message is listed from the second of its key at most, in milliseconds: the tick takes up a message within two
/// minutes.
const SHIFT_MAX: i64 = 120_000;

/// How many more messages are read than a page lists: those at its end may have to wait for the next one.
const READ_AHEAD: i32 = 20;

/// The order of a list of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MessageOrder {
    /// The first to arrive first.
    #[default]
    OldestFirst,
    /// The last to arrive first.
    NewestFirst,
}

impl MessageOrder {
    fn compare(self, one: &Position, other: &Position) -> Ordering {
        match self {
            Self::OldestFirst => one.cmp(other),
            Self::NewestFirst => other.cmp(one),
        }
    }

    /// Whether one place is listed before another.
    fn precedes(self, one: &Position, other: &Position) -> bool {
        self.compare(one, other) == Ordering::Less
    }

    /// The place before everything, in this order, that a query has not read that ended with this key.
    fn first_unread(self, last: &Attributes) -> Position {
        let sk = last.get("sk").and_then(|sk| sk.as_s().ok()).map(String::as_str).unwrap_or_default();
        let second = second_of(sk.strip_prefix(keys::MESSAGE_PREFIX).unwrap_or_default());
        match self {
            Self::OldestFirst => Position::before_second(second),
            Self::NewestFirst => Position::after_second(second),
        }
    }

    /// A query for the keys that messages behind `after` may have; those of a conversation begin with `first`.
    fn query(self, table: &Table, thread: &Thread, first: &str, after: Option<&Position>) -> QueryFluentBuilder {
        let (first, last) = match (self, after) {
            (Self::OldestFirst, Some(after)) => {
                let again = format!("{:010}", after.first_second());
                (first.max(again.as_str()).to_owned(), "~".to_owned())
            }
            (Self::NewestFirst, Some(after)) => (first.to_owned(), format!("{:010}~", after.last_second())),
            (_, None) => (first.to_owned(), "~".to_owned()),
        };
        // Keys may begin with a cursor that lies before the conversation.
        let last = last.max(first.clone());
        let query = table.between(&thread.pk(), &keys::message(&first), &keys::message(&last));
        query.scan_index_forward(self == Self::OldestFirst)
    }
}

/// A place between the messages of a thread.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    /// Milliseconds since 1970.
    at: i64,
    /// The id of a message; empty before all messages of this time.
    id: String,
}

impl Position {
    fn of(message: &Message) -> Self {
        let second = second_of(&message.id).saturating_mul(1000);
        let arrived = message.received_at.unwrap_or(message.created_at).as_millisecond();
        let at = arrived.clamp(second.saturating_sub(SHIFT_MAX), second.saturating_add(SHIFT_MAX));
        Self { at, id: message.id.clone() }
    }

    /// The place before every message whose key has this second or a later one.
    fn before_second(second: i64) -> Self {
        Self { at: second.saturating_mul(1000).saturating_sub(SHIFT_MAX), id: String::new() }
    }

    /// The place after every message whose key has this second or an earlier one.
    fn after_second(second: i64) -> Self {
        Self { at: second.saturating_mul(1000).saturating_add(SHIFT_MAX), id: "~".to_owned() }
    }

    /// The last second that the key of a message before this place may have.
    fn last_second(&self) -> i64 {
        (self.at.saturating_add(SHIFT_MAX) / 1000).clamp(0, 9_999_999_999)
    }

    /// The first second that the key of a message behind this place may have.
    fn first_second(&self) -> i64 {
        (self.at.saturating_sub(SHIFT_MAX) / 1000).max(0)
    }

    fn text(&self) -> String {
        format!("{:013}-{}", self.at.max(0), self.id)
    }

    fn cursor(&self) -> String {
        keys::cursor(&self.text())
    }

    fn from_cursor(cursor: &str) -> Result<Self> {
        let text = keys::from_cursor(cursor)?;
        let (at, id) = text.split_once('-').ok_or(StoreError::Cursor)?;
        let is_time = at.len() == 13 && at.bytes().all(|byte| byte.is_ascii_digit());
        let is_id = id.is_empty() || id == "~" || id.starts_with(|first: char| first.is_ascii_digit());
        if !is_time || !is_id {
            return Err(StoreError::Cursor);
        }
        Ok(Self { at: at.parse().map_err(|_| StoreError::Cursor)?, id: id.to_owned() })
    }
}

/// The second that an id begins with.
fn second_of(id: &str) -> i64 {
    id.split('-').next().and_then(|second| second.parse().ok()).unwrap_or(0)
}

/// The place of a message among those of its thread, as a text that sorts in the order of arrival.
pub(crate) fn order_of(message: &Message) -> String {
    Position::of(message).text()
}

impl ThreadReader {
    /// The messages of a conversation, in the order of their arrival or in the reverse one.
    pub async fn conversation_messages(
        &self,
        conversation: &Conversation,
        order: MessageOrder,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<Message>> {
        let thread = conversation.thread();
        let of_conversation = Some((conversation.cid.as_str(), conversation.first_message.as_str()));
        self.0.transcript(&thread, of_conversation, order, cursor, limit).await
    }

    /// The messages of a visitor, in the order of their arrival.
    pub async fn thread_messages(&self, thread: &Thread, cursor: Option<&str>, limit: i32) -> Result<Page<Message>> {
        self.0.transcript(thread, None, MessageOrder::OldestFirst, cursor, limit).await
    }

    /// The last messages of a visitor's thread, the last to arrive first.
    pub async fn last_messages(&self, thread: &Thread, limit: i32) -> Result<Vec<Message>> {
        let newest = self.0.between(&thread.pk(), keys::MESSAGE_PREFIX, &keys::message("~"));
        let answer = newest.scan_index_forward(false).limit(limit).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        let mut messages: Vec<Message> = answer.items().iter().map(Message::read).collect::<Result<_>>()?;
        messages.sort_by_cached_key(|message| Reverse(Position::of(message)));
        Ok(messages)
    }
}

impl Table {
    /// A page of the messages of a thread, or of those of one conversation, whose first message bounds where they lie.
    async fn transcript(
        &self,
        thread: &Thread,
        conversation: Option<(&str, &str)>,
        order: MessageOrder,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<Message>> {
        let after = cursor.map(Position::from_cursor).transpose()?;
        let first = conversation.map(|(_, first)| first).unwrap_or_default();
        let mut query = order.query(self, thread, first, after.as_ref()).limit(limit.saturating_add(READ_AHEAD));
        if let Some((cid, _)) = conversation {
            query = query.filter_expression("cid = :cid").expression_attribute_values(":cid", s(cid));
        }
        let (mut found, mut from): (Vec<Message>, Option<Attributes>) = (Vec::new(), None);
        loop {
            let answer = query.clone().set_exclusive_start_key(from).send().await;
            let answer = answer.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
            for item in answer.items() {
                let message = Message::read(item)?;
                if after.as_ref().is_none_or(|after| order.precedes(after, &Position::of(&message))) {
                    found.push(message);
                }
            }
            from = answer.last_evaluated_key;
            let unread = from.as_ref().map(|last| order.first_unread(last));
            let is_final =
                |message: &Message| unread.as_ref().is_none_or(|unread| order.precedes(&Position::of(message), unread));
            // Without a message there is a page all the same if the next one can begin further on.
            let goes_on = |after: &Position| unread.as_ref().is_some_and(|unread| order.precedes(after, unread));
            let advances = found.is_empty() && after.as_ref().is_none_or(goes_on);
            if from.is_none() || advances || found.iter().any(is_final) {
                let (mut listed, later): (Vec<_>, Vec<_>) = found.into_iter().partition(is_final);
                listed.sort_by(|one, other| order.compare(&Position::of(one), &Position::of(other)));
                return Ok(page_of(listed, limit, unread, !later.is_empty()));
            }
        }
    }
}

/// The first messages of those that can be listed. `unread` is the place before what was not read.
fn page_of(mut listed: Vec<Message>, limit: i32, unread: Option<Position>, has_later: bool) -> Page<Message> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_cut = listed.len() > limit;
    listed.truncate(limit);
    let goes_on = is_cut || has_later || unread.is_some();
    let end = if goes_on { listed.last().map(Position::of).or(unread) } else { None };
    Page { items: listed, cursor: end.map(|end| end.cursor()) }
}
