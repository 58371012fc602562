//! The messages of a conversation: list, send, cancel a held text.

use api::{
    Caller, Code, FieldError, Idempotent, Json, LastSend, PageOf, PageRequest, Path, Permitted, Problem, Query, Routes,
    Sent, State, key_reused, non_empty, operation, reassigned,
};
use channel::{Channel, Draft, SendResult};
use desk::policy::Action;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Conversation, MEDIA_ID_MAX, Message, MessageOrder};
use utoipa::{IntoParams, ToSchema};
use wechat::{
    Name,
    text::{MAX_TEXT, clean_line, is_blank},
};

use crate::{
    handoff::CLAIM_REFUSALS,
    parameters::{ConversationPath, MessagePath},
    schema,
    services::Services,
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let mut sends = vec![(422, Code::IdempotencyKeyReused), (409, Code::ConversationClosed)];
    sends.extend_from_slice(CLAIM_REFUSALS);
    sends.push((409, Code::ConversationNotAssigned));
    sends.extend(Code::of_failed_sends());
    let _ = routes
        .allow(Action::ReadConversation)
        .route(operation!(list))
        .allow(Action::SendMessage)
        .route_refusing(operation!(send_message), &sends)
        .allow(Action::TakeBackMessage)
        .route_refusing(
            operation!(cancel),
            &[(409, Code::MessageNotHeld), (409, Code::ConversationTaken), (409, Code::ConversationNotAssigned)],
        );
}

/// Longest text, in bytes: five messages, all that WeChat grants in answer to one.
const TEXT_MAX: usize = 5 * MAX_TEXT;
const LINK_TEXT_MAX: usize = 512;
const ADDRESS_MAX: usize = wechat::MAX_WEB_URL;
const WEB_URL: &str = "must be an https address on the public internet, of at most 2048 bytes";

/// A message to send. The content stands in the field that `type` names, and nothing in the others.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "type": "text", "text": { "content": "您好，请问有什么可以帮您？" } }))]
struct NewMessage {
    #[serde(rename = "type")]
    #[schema(value_type = NewMessageType)]
    kind: String,
    text: Option<NewText>,
    image: Option<NewImage>,
    link: Option<NewLink>,
}

/// A type of message that can be sent.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes `NewMessage.type`, which has an explanation of its own for other types")]
enum NewMessageType {
    Text,
    Image,
    Link,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewText {
    /// At most 10240 bytes.
    #[schema(min_length = 1, max_length = 10_240)]
    content: String,
}

/// Either a media id of WeChat's or the address of a picture.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewImage {
    /// A media id that WeChat gave, at most 512 bytes.
    #[serde(default)]
    #[schema(max_length = 512)]
    media_id: String,
    /// The https address of a picture of at most 2 MB on the public internet, at most 2048 bytes.
    #[serde(default)]
    #[schema(format = Uri, max_length = 2048)]
    url: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLink {
    /// At most 512 bytes on one line, without format and bidirectional characters.
    #[schema(min_length = 1, max_length = 512)]
    title: String,
    /// At most 512 bytes.
    #[serde(default)]
    #[schema(max_length = 512)]
    description: String,
    /// An https address on the public internet, of at most 2048 bytes.
    #[schema(format = Uri, max_length = 2048)]
    url: String,
    /// The https address of a picture on the public internet, at most 2048 bytes.
    #[serde(default)]
    #[schema(format = Uri, max_length = 2048)]
    thumb_url: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MessageQuery {
    /// Which message is first: the first to arrive, or the last.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(inline, nullable = false, default = "asc")]
    order: Option<OrderOfMessages>,
}

/// `asc`: the first to arrive first; `desc`: the last to arrive first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum OrderOfMessages {
    Asc,
    Desc,
}

/// List the messages of a conversation
///
/// In the order of their arrival, oldest first, or newest first with `order=desc`. A page may have fewer messages than the limit, even none, and still have a
/// next page.
#[utoipa::path(
    get,
    path = "/api/conversations/{cid}/messages",
    operation_id = "listMessages",
    tag = "messages",
    params(ConversationPath, MessageQuery, PageRequest),
    responses((status = 200, description = "A page of messages.", body = schema::MessagePage)),
)]
async fn list(
    State(services): State<Services>,
    permitted: Permitted,
    Query(MessageQuery { order }): Query<MessageQuery>,
    page: PageRequest,
) -> Result<Json<PageOf<Message>>, Problem> {
    let order = match order {
        None | Some(OrderOfMessages::Asc) => MessageOrder::OldestFirst,
        Some(OrderOfMessages::Desc) => MessageOrder::NewestFirst,
    };
    let (threads, conversation) = (&services.store.threads, permitted.conversation());
    let messages = threads.conversation_messages(conversation, order, page.cursor(), page.limit).await?;
    Ok(Json(messages.into()))
}

/// Send a text, an image or a link
///
/// A text over 2048 bytes is sent in several messages, each of which counts toward WeChat's limit of five. It is divided between
/// paragraphs, lines, sentences or words, and not within a link or an address. Where WeChat takes only the first of them, the rest is
/// held. Line breaks of every kind become line feeds, and other control characters are not sent.
///
/// To write is to claim: a caller who writes into a conversation that no agent has claims it. One whose token works as no agent
/// takes the place of the robot, if a robot has the conversation: the robot does not answer any more. A conversation that
/// another agent has is refused (`conversation.taken`), whatever the caller's role.
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/messages",
    operation_id = "sendMessage",
    tag = "messages",
    params(ConversationPath, api::IdempotencyKey),
    request_body = NewMessage,
    responses(
        (status = 201, description = "WeChat accepted it.", body = schema::Message),
        (status = 200, description = "An earlier request with this Idempotency-Key sent it, and it was released or cancelled since.", body = schema::Message),
        (status = 202, description = "It is being sent, whether it arrived is not known, or WeChat permits no reply now and it is held: see the message's state. It is not repeated.", body = schema::Message),
    ),
)]
async fn send_message(
    State(services): State<Services>,
    caller: Caller,
    permitted: Permitted,
    last_send: LastSend,
    Idempotent { body, idempotency }: Idempotent<NewMessage>,
) -> Result<Sent, Problem> {
    body.check(services.channel())?;
    if !permitted.conversation().is_open() {
        return Err(Problem::conversation_closed());
    }
    let (kind, content) = body.content(&services, permitted.conversation()).await?;
    let conversation = permitted.claimed(&services.actions, &caller).await?;
    let author = caller.author(&conversation);
    let channel = services.channel().clone().sending_until(last_send.time());
    match channel.send_message(&conversation, Draft { kind, content, author, idempotency }).await? {
        SendResult::Message(message) => Ok(Sent(*message)),
        SendResult::KeyReused => Err(key_reused()),
        SendResult::Refused(failure) => Err(Problem::unsent(&failure)),
        SendResult::Reassigned(now) => Err(reassigned(&services.conversations, &now).await?),
    }
}

/// Cancel a held text
///
/// Refused if the message is not held, or not held any more (`message.not_held`).
#[utoipa::path(
    delete,
    path = "/api/conversations/{cid}/messages/{id}",
    operation_id = "cancelMessage",
    tag = "messages",
    params(MessagePath),
    responses((status = 200, description = "The message, cancelled.", body = schema::Message)),
)]
async fn cancel(
    State(services): State<Services>,
    permitted: Permitted,
    Path(MessagePath { id, .. }): Path<MessagePath>,
) -> Result<Json<Message>, Problem> {
    let conversation = permitted.conversation();
    let message = services.store.threads.message(&conversation.thread(), &id).await?;
    let message = message.filter(|message| message.cid.as_ref() == Some(&conversation.cid));
    let message = message.ok_or_else(|| Problem::not_found("message"))?;
    services.channel().take_back(&message).await?.map(Json).ok_or_else(|| {
        let detail = "The message is not held, or no longer, so it cannot be cancelled.";
        Problem::conflict(Code::MessageNotHeld, detail)
    })
}

impl NewMessage {
    fn check(&self, channel: &Channel) -> Result<(), Problem> {
        let mut wrong = Vec::new();
        let mut must = |right: bool, field: &str, detail: &str| {
            if !right {
                wrong.push(FieldError::new(field, detail));
            }
        };
        match (self.kind.as_str(), &self.text, &self.image, &self.link) {
            ("text", Some(text), None, None) => {
                must(!is_blank(&text.content), "text.content", "must not be empty");
                must(text.content.len() <= TEXT_MAX, "text.content", "must have at most 10240 bytes (five messages)");
            }
            ("image", None, Some(image), None) => {
                let one = image.media_id.is_empty() != image.url.is_empty();
                must(one, "image", "must have either a media_id or a url");
                must(image.media_id.len() <= MEDIA_ID_MAX, "image", "must have a media_id of at most 512 bytes");
                must(image.url.len() <= ADDRESS_MAX, "image", "must have a url of at most 2048 bytes");
            }
            ("link", None, None, Some(link)) => {
                let title = Name::parse(&clean_line(&link.title), LINK_TEXT_MAX);
                must(
                    title.is_ok(),
                    "link.title",
                    "must have 1 to 512 bytes, without format or bidirectional characters",
                );
                must(link.description.len() <= LINK_TEXT_MAX, "link.description", "must have at most 512 bytes");
                must(channel.web_url(&link.url).is_ok(), "link.url", WEB_URL);
                let thumb = link.thumb_url.is_empty() || channel.web_url(&link.thumb_url).is_ok();
                must(thumb, "link.thumb_url", WEB_URL);
            }
            ("text" | "image" | "link", ..) => {
                must(false, &self.kind, "must be there, and nothing of another type beside it");
            }
            ("miniprogrampage", ..) => must(false, "type", "cards go to …/cards"),
            _ => must(false, "type", "must be text, image or link"),
        }
        if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
    }

    async fn content(self, services: &Services, conversation: &Conversation) -> Result<(&'static str, Value), Problem> {
        if let Some(text) = self.text {
            return Ok(("text", json!({ "content": text.content })));
        }
        if let Some(link) = self.link {
            let NewLink { title, description, url, thumb_url } = link;
            let title = clean_line(&title).trim().to_owned();
            let [url, thumb_url] = [url, thumb_url].map(|url| services.channel().web_url(&url).unwrap_or_default());
            let content = json!({ "title": title, "description": description, "url": url, "thumb_url": thumb_url });
            return Ok(("link", content));
        }
        let Some(image) = self.image else {
            return Err(Problem::internal());
        };
        let media_id = services.channel().cover_media_id(&conversation.app_id, &image.media_id, &image.url).await;
        let media_id = media_id.map_err(|error| Problem::no_picture(&error, "image.media_id", "image.url"))?;
        let mut content = json!({ "media_id": media_id });
        if !image.url.is_empty() {
            content["url"] = image.url.into();
        }
        Ok(("image", content))
    }
}
