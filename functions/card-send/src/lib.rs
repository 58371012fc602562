//! `POST /api/conversations/{cid}/cards`: sends a mini program card.
//!
//! The body is the message that a page in the workbench's iframe posts to its parent (智齿, 小程序卡片对接文档 §4.2), as it
//! stands: `{cid, uid, msgType: 26, miniPage: {headimg, name, thumbUrl, title, pagepath, thumbMediaId}}`.

mod card;

use api::{
    ApiRouter, Caller, Code, IdempotencyKey, Idempotent, LastSend, Permitted, Problem, Route, Routes, Sent, State,
    key_reused, operation, reassigned,
};
use axum::{Router, extract::FromRef};
use card::Card;
use channel::{Draft, SendResult};
use conversations::{AgentActions, Conversations};
use desk::policy::Action;
use function::{Deadline, Env, StartError};
use lambda_http::{Body, Request, Response};
use serde_json::json;
use store::{Conversation, SharedClock};
use utoipa::IntoParams;

/// The started function.
#[derive(Debug, Clone)]
pub struct Deps {
    router: Router,
    clock: SharedClock,
}

/// The state of the router.
#[derive(Debug, Clone)]
struct Services {
    actions: AgentActions,
}

impl FromRef<Services> for Conversations {
    fn from_ref(services: &Services) -> Self {
        services.actions.conversations().clone()
    }
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault, channel) = env.settings().channel(clock.clone()).await?;
        let mut router = ApiRouter::default();
        mount(&mut router);
        let conversations = Conversations::new(&table, &vault, channel);
        let actions = AgentActions::new(&conversations, table.duty_writer(), table.token_agents());
        Ok(Self { clock, router: router.with_state(Services { actions }) })
    }
}

/// Sends a card. The answer comes at the latest a second before `deadline`.
pub async fn handle(deps: &Deps, request: Request, deadline: Deadline) -> Response<Body> {
    api::serve(&deps.router, request, deadline, &deps.clock).await
}

/// The operation of this function, with its action.
pub fn routes() -> Vec<Route> {
    let mut router = ApiRouter::default();
    mount(&mut router);
    router.routes().to_vec()
}

/// Adds the operation to the description of the API.
pub fn describe(document: &mut api::Document) {
    mount(document);
}

fn mount(routes: &mut impl Routes<Services>) {
    let mut refusals = vec![
        (422, Code::IdempotencyKeyReused),
        (409, Code::ConversationClosed),
        (409, Code::ConversationTaken),
        (409, Code::ConversationNotAssigned),
        (409, Code::AgentOffline),
        (409, Code::AgentAtCapacity),
    ];
    refusals.extend(Code::of_failed_sends());
    let _ = routes.allow(Action::SendMessage).route_refusing(operation!(send_card), &refusals);
}

/// `/api/conversations/{cid}/cards`
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter that `Permitted` reads")]
struct ConversationPath {
    /// The conversation's id.
    cid: String,
}

/// Send a mini program card
///
/// `thumbMediaId` is used as it is. If it is missing, over three days old or refused by WeChat, the picture at `thumbUrl`
/// is fetched and uploaded. To write is to claim, as for a text: see `sendMessage`.
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/cards",
    operation_id = "sendCard",
    tag = "messages",
    params(ConversationPath, IdempotencyKey),
    request_body = Card,
    responses(
        (status = 200, description = "An earlier request with this Idempotency-Key sent it.", body = ref("#/components/schemas/Message")),
        (status = 201, description = "WeChat accepted it.", body = ref("#/components/schemas/Message")),
        (status = 202, description = "It is being sent, or whether it arrived is not known: see the message's state. It is not repeated.", body = ref("#/components/schemas/Message")),
    ),
)]
async fn send_card(
    State(services): State<Services>,
    caller: Caller,
    permitted: Permitted,
    last_send: LastSend,
    Idempotent { body: card, idempotency }: Idempotent<Card>,
) -> Result<Sent, Problem> {
    let conversation = permitted.conversation();
    let channel = services.actions.conversations().channel();
    card.check(&conversation.cid, |address| channel.web_url(address).is_ok())?;
    check_conversation(&card, conversation)?;
    let page = &card.mini_page;
    let cover = channel.cover_media_id(&conversation.app_id, &page.thumb_media_id, &page.thumb_url).await;
    let cover = cover.map_err(|error| Problem::no_picture(&error, "miniPage.thumbMediaId", "miniPage.thumbUrl"))?;
    let content = json!({
        "title": wechat::text::clean_line(&page.title).trim(),
        "appid": conversation.app_id,
        "pagepath": page.pagepath,
        "thumb_media_id": cover,
        "thumb_url": page.thumb_url,
        "headimg": page.headimg,
        "name": page.name,
    });
    let conversation = permitted.claimed(&services.actions, &caller).await?;
    let author = caller.author(&conversation);
    let channel = channel.clone().sending_until(last_send.time());
    match channel.send_message(&conversation, Draft { kind: "miniprogrampage", content, author, idempotency }).await? {
        SendResult::Message(message) => Ok(Sent(*message)),
        SendResult::KeyReused => Err(key_reused()),
        SendResult::Refused(failure) => Err(Problem::unsent(&failure)),
        SendResult::Reassigned(now) => Err(reassigned(services.actions.conversations(), &now).await?),
    }
}

fn check_conversation(card: &Card, conversation: &Conversation) -> Result<(), Problem> {
    if card.uid.as_ref().is_some_and(|uid| *uid != conversation.thread().uid()) {
        return Err(Problem::invalid_field("uid", "is not the visitor of this conversation"));
    }
    if !conversation.is_open() {
        return Err(Problem::conversation_closed());
    }
    Ok(())
}
