//! The messages of a conversation: list them, and say something.

use channel::{MediaError, Said, Words};
use function::http::{self, Caller, FieldError, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Author, Conversation, ConversationState};
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
    let page = deps.table.conversation_messages(&conversation, wanted.cursor(), wanted.limit).await?;
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
    if conversation.state == ConversationState::Closed {
        let detail = "The conversation is closed. The visitor's next message opens a new one.";
        return Err(Problem::new(StatusCode::CONFLICT, "conversation.closed", detail));
    }
    let (kind, content) = asked.content(deps, &conversation).await?;
    let author = Author { role: caller.role.as_str().to_owned(), name: caller.name.clone() };
    match deps.channel.say(&conversation, Words { kind, content, author, once }).await? {
        Said::Message(message) => Ok(http::sent(&message)),
        Said::KeyReused => Err(http::key_reused()),
    }
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
        let media_id = deps.channel.cover(&conversation.app_id, &image.media_id, &image.url).await;
        let media_id = media_id.map_err(|error| no_picture(&error))?;
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

fn no_picture(error: &MediaError) -> Problem {
    match error {
        MediaError::Missing => {
            let detail = "is over three days old, so WeChat no longer has it";
            Problem::invalid(vec![FieldError::new("image.media_id", detail)])
        }
        MediaError::Fetch(reason) => {
            let mut problem = Problem::invalid(vec![FieldError::new("image.url", reason.to_string())]);
            reason.code().clone_into(&mut problem.code);
            problem
        }
        MediaError::Upload(error) => {
            let failure = error.failure();
            let mut problem = Problem::new(StatusCode::BAD_GATEWAY, failure.code, failure.detail);
            problem.errcode = failure.errcode;
            problem
        }
    }
}
