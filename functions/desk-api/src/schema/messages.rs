//! Messages.

#![allow(dead_code, reason = "describes `store::Message`")]

use desk::limits::Ignored;
use jiff::Timestamp;
use store::{Author, Direction, MessageState};
use utoipa::ToSchema;

/// A message. The content stands in the field that `type` names.
#[derive(ToSchema)]
pub(crate) struct Message {
    /// Unique within the visitor's messages.
    id: String,
    direction: Direction,
    #[schema(rename = "type")]
    kind: MessageType,
    #[schema(nullable = false)]
    text: Option<TextContent>,
    #[schema(nullable = false)]
    image: Option<ImageContent>,
    #[schema(nullable = false)]
    link: Option<LinkContent>,
    #[schema(nullable = false)]
    miniprogrampage: Option<CardContent>,
    #[schema(nullable = false)]
    event: Option<EventContent>,
    #[schema(nullable = false)]
    raw: Option<RawContent>,
    /// From the visitor: WeChat's `CreateTime`, in whole seconds. To the visitor: when it was written.
    created_at: Timestamp,
    /// From the visitor: when WeChat's push arrived. Messages are listed in the order of their arrival.
    #[schema(nullable = false)]
    received_at: Option<Timestamp>,
    /// Sorts the messages of a visitor in the order of their arrival: 13 digits, the time in milliseconds, and the message's id. It
    /// never changes.
    order: String,
    state: MessageState,
    /// The conversation that the message belongs to.
    #[schema(nullable = false)]
    cid: Option<String>,
    #[schema(nullable = false)]
    author: Option<Author>,
    #[schema(nullable = false)]
    failure: Option<SendFailure>,
    /// Whether a model made it; WeChat labels it so.
    #[schema(nullable = false)]
    ai_generated: Option<bool>,
    /// From the visitor: why nothing follows from it. `blocked`: the visitor is blocked; `too_many`: more messages in this minute
    /// than the settings allow.
    #[schema(nullable = false)]
    ignored: Option<Ignored>,
    /// The message that a held text was sent with.
    #[schema(nullable = false)]
    released_as: Option<String>,
    /// Of a held text: until when it waits for the visitor's next message. It fails then (`quota.hold_expired`).
    #[schema(nullable = false)]
    held_until: Option<Timestamp>,
}

/// The type of a message; `raw` is one that is not known.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum MessageType {
    Text,
    Image,
    Link,
    Miniprogrampage,
    Event,
    Raw,
}

#[derive(ToSchema)]
struct TextContent {
    content: String,
}

#[derive(ToSchema)]
struct ImageContent {
    #[schema(nullable = false)]
    media_id: Option<String>,
    /// The address at which WeChat has the picture.
    #[schema(nullable = false)]
    pic_url: Option<String>,
    /// The address that the picture was sent from.
    #[schema(nullable = false)]
    url: Option<String>,
}

#[derive(ToSchema)]
struct LinkContent {
    #[schema(nullable = false)]
    title: Option<String>,
    #[schema(nullable = false)]
    description: Option<String>,
    #[schema(nullable = false)]
    url: Option<String>,
    #[schema(nullable = false)]
    thumb_url: Option<String>,
}

#[derive(ToSchema)]
struct CardContent {
    #[schema(nullable = false)]
    title: Option<String>,
    #[schema(nullable = false)]
    appid: Option<String>,
    #[schema(nullable = false)]
    pagepath: Option<String>,
    #[schema(nullable = false)]
    thumb_url: Option<String>,
    #[schema(nullable = false)]
    thumb_media_id: Option<String>,
    /// The address of the mini program's picture, for the workbench alone.
    #[schema(nullable = false)]
    headimg: Option<String>,
    /// The mini program's name, for the workbench alone.
    #[schema(nullable = false)]
    name: Option<String>,
}

#[derive(ToSchema)]
struct EventContent {
    #[schema(nullable = false)]
    event: Option<String>,
    #[schema(nullable = false)]
    session_from: Option<String>,
    #[schema(nullable = false)]
    raw: Option<String>,
}

/// A message of a type that is not known, kept whole.
#[derive(ToSchema)]
struct RawContent {
    #[schema(nullable = false)]
    msg_type: Option<String>,
    #[schema(nullable = false)]
    raw: Option<String>,
}

/// Why a message was not sent, or may not have been.
#[derive(ToSchema)]
struct SendFailure {
    /// One of the codes of a problem.
    code: api::Code,
    /// WeChat's errcode.
    #[schema(nullable = false)]
    errcode: Option<i64>,
    /// What it means and what to do, for a person.
    detail: String,
}
