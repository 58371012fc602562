//! `POST /api/conversations/{cid}/cards`: a mini program card goes out.
//!
//! The body is the message that a page in the workbench's iframe posts to its parent (智齿, 小程序卡片对接文档 §4.2), as it
//! stands: `{cid, uid, msgType: 26, miniPage: {headimg, name, thumbUrl, title, pagepath, thumbMediaId}}`.

mod card;

use card::Card;
use channel::{Channel, Draft, SendResult};
use function::{
    Env, StartError,
    http::{self, Caller, FieldError, Problem},
};
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::json;
use store::{Author, Conversation, ConversationReader, SharedClock};

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    conversations: ConversationReader,
    channel: Channel,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, _, channel) = env.settings().channel(clock).await?;
        Ok(Self { conversations: table.conversation_reader(), channel })
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
    let conversation = deps.conversations.conversation(cid).await?.ok_or_else(|| Problem::not_found("conversation"))?;
    allow(&card, &conversation)?;
    let page = &card.mini_page;
    let cover = deps.channel.cover_media_id(&conversation.app_id, &page.thumb_media_id, &page.thumb_url).await;
    let cover = cover.map_err(|error| Problem::no_picture(&error, "miniPage.thumbMediaId", "miniPage.thumbUrl"))?;
    let content = json!({
        "title": page.title,
        "appid": conversation.app_id,
        "pagepath": page.pagepath,
        "thumb_media_id": cover,
        "thumb_url": page.thumb_url,
        "headimg": page.headimg,
        "name": page.name,
    });
    let author = Author { role: caller.role.into(), name: caller.name };
    match deps.channel.send_message(&conversation, Draft { kind: "miniprogrampage", content, author, once }).await? {
        SendResult::Message(message) => Ok(http::sent(&message)),
        SendResult::KeyReused => Err(http::key_reused()),
        SendResult::Refused(failure) => Err(Problem::unsent(&failure)),
    }
}

fn allow(card: &Card, conversation: &Conversation) -> Result<(), Problem> {
    if card.uid.as_ref().is_some_and(|uid| *uid != conversation.thread().uid()) {
        return Err(Problem::invalid(vec![FieldError::new("uid", "is not the visitor of this conversation")]));
    }
    if !conversation.is_open() {
        return Err(Problem::conversation_closed());
    }
    Ok(())
}
