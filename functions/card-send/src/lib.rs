//! `POST /api/conversations/{cid}/cards`: a mini program card goes out.
//!
//! The body is the message that a page in the workbench's iframe posts to its parent (智齿, 小程序卡片对接文档 §4.2), as it
//! stands: `{cid, uid, msgType: 26, miniPage: {headimg, name, thumbUrl, title, pagepath, thumbMediaId}}`.

mod card;

use card::Card;
use channel::{Channel, MediaError, Said, Words};
use function::{
    Env, StartError,
    http::{self, Caller, FieldError, Problem},
};
use lambda_http::{Body, Request, RequestExt, Response, http::StatusCode};
use serde_json::json;
use store::{Author, Conversation, ConversationState, SharedClock, Table};

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    table: Table,
    channel: Channel,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let mut settings = env.settings();
        let api = settings.text("WECHAT_API_URL");
        let (table, vault) = settings.stores(clock).await?;
        let channel = Channel::new(table.clone(), vault, &api);
        let channel = channel.map_err(|error| StartError::Settings(vec![error.to_string()]))?;
        Ok(Self { table, channel })
    }
}

/// Sends a card.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    send(deps, &request).await.unwrap_or_else(|problem| problem.response())
}

async fn send(deps: &Deps, request: &Request) -> Result<Response<Body>, Problem> {
    let caller = Caller::of(request)?;
    let once = http::once(request, &caller)?;
    let card: Card = http::body(request)?;
    let path = request.path_parameters();
    let cid = path.first("cid").unwrap_or_default();
    card.check(cid)?;
    let conversation = deps.table.conversation(cid).await?.ok_or_else(|| Problem::not_found("conversation"))?;
    allow(&card, &conversation)?;
    let page = &card.mini_page;
    let cover = deps.channel.cover(&conversation.app_id, &page.thumb_media_id, &page.thumb_url).await;
    let content = json!({
        "title": page.title,
        "appid": conversation.app_id,
        "pagepath": page.pagepath,
        "thumb_media_id": cover.map_err(|error| no_cover(&error))?,
        "thumb_url": page.thumb_url,
        "headimg": page.headimg,
        "name": page.name,
    });
    let author = Author { role: caller.role.as_str().to_owned(), name: caller.name };
    match deps.channel.say(&conversation, Words { kind: "miniprogrampage", content, author, once }).await? {
        Said::Message(message) => Ok(http::sent(&message)),
        Said::KeyReused => Err(http::key_reused()),
    }
}

fn allow(card: &Card, conversation: &Conversation) -> Result<(), Problem> {
    if card.uid.as_ref().is_some_and(|uid| *uid != conversation.uid) {
        return Err(Problem::invalid(vec![FieldError::new("uid", "is not the visitor of this conversation")]));
    }
    if conversation.state == ConversationState::Closed {
        let detail = "The conversation is closed. The visitor's next message opens a new one.";
        return Err(Problem::new(StatusCode::CONFLICT, "conversation.closed", detail));
    }
    Ok(())
}

fn no_cover(error: &MediaError) -> Problem {
    match error {
        MediaError::Missing => {
            let detail = "is over three days old, so WeChat no longer has it; give miniPage.thumbUrl as well";
            Problem::invalid(vec![FieldError::new("miniPage.thumbMediaId", detail)])
        }
        MediaError::Fetch(reason) => {
            let mut problem = Problem::invalid(vec![FieldError::new("miniPage.thumbUrl", reason.to_string())]);
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
