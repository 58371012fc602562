//! The messages of a conversation: list them, say something, take a held text back.

use channel::{Draft, SendResult};
use function::http::{self, Caller, FieldError, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Author, Conversation};
use url::Url;
use wechat::text::MAX_TEXT;

use crate::{Deps, conversations, page::Wanted};

/// Longest text, in bytes: five messages, all that WeChat grants in answer to one.
const TEXT_MAX: usize = 5 * MAX_TEXT;
const LINK_TEXT_MAX: usize = 512;
const ADDRESS_MAX: usize = 2048;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    #[serde(rename = "type")]
    kind: String,
    text: Option<Text>,
    image: Option<Image>,
    link: Option<Link>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(default)]
    media_id: String,
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    title: String,
    #[serde(default)]
    description: String,
    url: String,
    #[serde(default)]
    thumb_url: String,
}

pub(crate) async fn list(deps: &Deps, request: &Request, cid: &str) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    let conversation = conversations::find(deps, cid).await?;
    let page = deps.table().conversation_messages(&conversation, wanted.cursor(), wanted.limit).await?;
    Ok(http::json(StatusCode::OK, &page))
}

pub(crate) async fn create(
    deps: &Deps,
    request: &Request,
    caller: &Caller,
    cid: &str,
) -> Result<Response<Body>, Problem> {
    let once = http::once(request, caller)?;
    let asked: Create = http::body(request)?;
    asked.check()?;
    let conversation = conversations::find(deps, cid).await?;
    if !conversation.is_open() {
        return Err(Problem::conversation_closed());
    }
    let (kind, content) = asked.content(deps, &conversation).await?;
    let author = Author { role: caller.role.into(), name: caller.name.clone() };
    match deps.channel().send_message(&conversation, Draft { kind, content, author, once }).await? {
        SendResult::Message(message) => Ok(http::sent(&message)),
        SendResult::KeyReused => Err(http::key_reused()),
        SendResult::Refused(failure) => Err(Problem::unsent(&failure)),
    }
}

/// Takes a held text back.
pub(crate) async fn take_back(deps: &Deps, cid: &str, id: &str) -> Result<Response<Body>, Problem> {
    let conversation = conversations::find(deps, cid).await?;
    let message = deps.table().message(&conversation.thread(), id).await?;
    let message = message.filter(|message| message.cid.as_deref() == Some(cid));
    let message = message.ok_or_else(|| Problem::not_found("message"))?;
    let taken_back = deps.channel().take_back(&message).await?.ok_or_else(|| {
        let detail = "The message is not held (any more), so it cannot be taken back.";
        Problem::new(StatusCode::CONFLICT, "message.not_held", detail)
    })?;
    Ok(http::json(StatusCode::OK, &taken_back))
}

impl Create {
    fn check(&self) -> Result<(), Problem> {
        let mut wrong = Vec::new();
        let mut must = |right: bool, field: &str, detail: &str| {
            if !right {
                wrong.push(FieldError::new(field, detail));
            }
        };
        match (self.kind.as_str(), &self.text, &self.image, &self.link) {
            ("text", Some(text), None, None) => {
                must(!text.content.trim().is_empty(), "text.content", "must not be empty");
                must(text.content.len() <= TEXT_MAX, "text.content", "must have at most 10240 bytes (five messages)");
            }
            ("image", None, Some(image), None) => {
                let one = image.media_id.is_empty() != image.url.is_empty();
                must(one, "image", "must have either a media_id or a url");
                must(image.media_id.len().max(image.url.len()) <= ADDRESS_MAX, "image", "must have at most 2048 bytes");
            }
            ("link", None, None, Some(link)) => {
                must(!link.title.trim().is_empty(), "link.title", "must not be empty");
                must(link.title.len() <= LINK_TEXT_MAX, "link.title", "must have at most 512 bytes");
                must(link.description.len() <= LINK_TEXT_MAX, "link.description", "must have at most 512 bytes");
                must(is_web(&link.url), "link.url", "must be an http or https address");
                let thumb = link.thumb_url.is_empty() || is_web(&link.thumb_url);
                must(thumb, "link.thumb_url", "must be an http or https address");
            }
            ("text" | "image" | "link", ..) => {
                must(false, &self.kind, "must be there, and nothing of another type beside it");
            }
            ("miniprogrampage", ..) => must(false, "type", "cards go to …/cards"),
            _ => must(false, "type", "must be text, image or link"),
        }
        if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
    }

    async fn content(self, deps: &Deps, conversation: &Conversation) -> Result<(&'static str, Value), Problem> {
        if let Some(text) = self.text {
            return Ok(("text", json!({ "content": text.content })));
        }
        if let Some(link) = self.link {
            let Link { title, description, url, thumb_url } = link;
            let content = json!({ "title": title, "description": description, "url": url, "thumb_url": thumb_url });
            return Ok(("link", content));
        }
        let Some(image) = self.image else {
            return Err(Problem::internal());
        };
        let media_id = deps.channel().cover_media_id(&conversation.app_id, &image.media_id, &image.url).await;
        let media_id = media_id.map_err(|error| Problem::no_picture(&error, "image.media_id", "image.url"))?;
        let mut content = json!({ "media_id": media_id });
        if !image.url.is_empty() {
            content["url"] = image.url.into();
        }
        Ok(("image", content))
    }
}

fn is_web(address: &str) -> bool {
    address.len() <= ADDRESS_MAX && Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
