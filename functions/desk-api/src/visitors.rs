//! Visitors: profile and messages.

use api::{Caller, Json, PageOf, PageRequest, Path, Problem, Routes, State, operation, require};
use desk::{
    limits::Block,
    policy::{Action, Role, Subject},
};
use jiff::Timestamp;
use serde::Serialize;
use store::{Message, Page, Profile, Thread, Visitor};
use utoipa::ToSchema;
use wechat::session_from::{self, SessionFrom, SignatureVersion, Verification};

use crate::{
    bindings,
    conversation_view::{self, ConversationView, Quota},
    parameters::VisitorPath,
    schema,
    services::Services,
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::ReadVisitor)
        .route(operation!(read))
        .route(operation!(list_conversations))
        .allow(Action::ReadVisitorMessages)
        .route(operation!(list_messages));
}

/// A visitor as the API shows them.
#[derive(Serialize, ToSchema)]
#[schema(as = Visitor)]
pub(crate) struct VisitorView {
    /// Stands for the mini program and the visitor.
    uid: String,
    app_id: String,
    openid: String,
    #[serde(flatten)]
    profile: Profile,
    #[schema(required = true)]
    session_from: Option<SessionFromView>,
    #[schema(required = true)]
    first_seen_at: Option<Timestamp>,
    #[schema(required = true)]
    last_seen_at: Option<Timestamp>,
    quota: Quota,
    /// Their open conversation.
    #[schema(required = true)]
    open_cid: Option<String>,
    /// That they are blocked: their messages are stored and shown, and nothing follows from them.
    #[schema(required = true)]
    blocked: Option<Block>,
    /// The name by which agents know them.
    #[schema(required = true)]
    remark_name: Option<String>,
    /// What agents have tagged them with.
    tags: Vec<String>,
    /// Whether agents have starred them.
    starred: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    person: Option<Person>,
}

/// The `session-from` that the visitor last entered with.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorSessionFrom)]
struct SessionFromView {
    /// As it came, at most the first 4100 bytes. Where it is signed, for admins only: for a day the signature identifies its holder as the visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    raw: Option<String>,
    #[schema(required = true)]
    at: Option<Timestamp>,
    /// The result of the check of the signature.
    #[schema(required = true)]
    verification: Option<Verification>,
    /// The version that the signature says it has: 1 may be copied by another visitor, 2 may not.
    #[schema(required = true)]
    signature_version: Option<SignatureVersion>,
    parsed: SessionFrom,
}

/// All visitors with the same `partnerid` that the same signer vouched for.
#[derive(Serialize, ToSchema)]
struct Person {
    partnerid: String,
    /// The id of the signer. Null where an earlier version verified the `partnerid`; then only visitors of this mini program
    /// are listed, until each enters with a valid signature again.
    #[schema(required = true)]
    signer: Option<String>,
    visitors: Vec<PersonVisitor>,
}

/// A visitor of a person.
#[derive(Serialize, ToSchema)]
struct PersonVisitor {
    app_id: String,
    openid: String,
    uid: String,
}

/// Get a visitor
///
/// Agents and supervisors get the visitors whose open conversation they may read, and the visitors whose last agent they
/// were.
#[utoipa::path(
    get,
    path = "/api/bindings/{app_id}/visitors/{openid}",
    operation_id = "getVisitor",
    tag = "visitors",
    params(VisitorPath),
    responses((status = 200, description = "The visitor.", body = VisitorView)),
)]
async fn read(
    State(services): State<Services>,
    caller: Caller,
    Path(VisitorPath { app_id, openid }): Path<VisitorPath>,
) -> Result<Json<VisitorView>, Problem> {
    let thread = Thread::new(&app_id, &openid);
    let visitor = permitted(&services, &caller, Action::ReadVisitor, &thread).await?;
    view(&services, &caller, thread, visitor).await.map(Json)
}

/// Reads a visitor, for a caller who may do this action to the visitor.
pub(crate) async fn permitted(
    services: &Services,
    caller: &Caller,
    action: Action,
    thread: &Thread,
) -> Result<Visitor, Problem> {
    let binding = bindings::find(services, &thread.app_id).await?;
    let visitor = services.store.threads.visitor(thread).await?;
    if visitor == Visitor::default() {
        return Err(Problem::not_found("visitor"));
    }
    let facts = services.conversations.visitor_facts(thread, &visitor, binding.reception()?.group_id).await?;
    require(&services.conversations, caller, action, &Subject::Visitor(&facts), "visitor").await?;
    Ok(visitor)
}

/// The visitor as the caller sees them.
pub(crate) async fn view(
    services: &Services,
    caller: &Caller,
    thread: Thread,
    visitor: Visitor,
) -> Result<VisitorView, Problem> {
    let person = match visitor.profile.proved() {
        Some(proved) => {
            let threads = services.store.threads.person(&thread.app_id, &proved).await?;
            let one =
                |thread: Thread| PersonVisitor { uid: thread.uid(), app_id: thread.app_id, openid: thread.openid };
            let visitors = threads.into_iter().map(one).collect();
            let signer = proved.signer.map(ToOwned::to_owned);
            Some(Person { partnerid: proved.partnerid.to_owned(), signer, visitors })
        }
        None => None,
    };
    let session_from = visitor.session_from.as_deref().map(|raw| {
        let parsed = session_from::parse_bounded(raw);
        let is_shown = caller.role() == Role::Admin || parsed.signature.is_none();
        SessionFromView {
            raw: is_shown.then(|| raw.to_owned()),
            at: visitor.session_from_at,
            verification: visitor.verification,
            signature_version: visitor.signature_version,
            parsed,
        }
    });
    let now = services.store.clock.now();
    Ok(VisitorView {
        uid: thread.uid(),
        app_id: thread.app_id,
        openid: thread.openid,
        session_from,
        first_seen_at: visitor.first_seen_at,
        last_seen_at: visitor.last_seen_at,
        quota: Quota::of(&visitor, now),
        open_cid: visitor.open_cid.clone(),
        blocked: visitor.block(now).cloned(),
        remark_name: visitor.marks.remark_name,
        tags: visitor.marks.tags,
        starred: visitor.marks.starred,
        profile: visitor.profile,
        person,
    })
}

/// List the conversations of a visitor
///
/// Newest first, as far as the caller may read them. A page may have fewer than the limit, even none, and still have a next page.
#[utoipa::path(
    get,
    path = "/api/bindings/{app_id}/visitors/{openid}/conversations",
    operation_id = "listVisitorConversations",
    tag = "visitors",
    params(VisitorPath, PageRequest),
    responses((status = 200, description = "A page of conversations.", body = schema::ConversationPage)),
)]
async fn list_conversations(
    State(services): State<Services>,
    caller: Caller,
    Path(VisitorPath { app_id, openid }): Path<VisitorPath>,
    page: PageRequest,
) -> Result<Json<PageOf<ConversationView>>, Problem> {
    let thread = Thread::new(&app_id, &openid);
    permitted(&services, &caller, Action::ReadVisitor, &thread).await?;
    let found = services.store.threads.newest_conversations(&thread, page.cursor(), page.limit).await?;
    let conversations = services.store.conversations.conversations_of(&found.items).await?;
    let reader = services.conversations.caller(&caller).await?;
    let items = services.conversations.readable(&reader, conversations).await?;
    conversation_view::page(&services, Page { items, cursor: found.cursor }).await.map(Json)
}

/// List the messages of a visitor
///
/// Oldest first, of all conversations with the mini program.
#[utoipa::path(
    get,
    path = "/api/bindings/{app_id}/visitors/{openid}/messages",
    operation_id = "listVisitorMessages",
    tag = "visitors",
    params(VisitorPath, PageRequest),
    responses((status = 200, description = "A page of messages.", body = schema::MessagePage)),
)]
async fn list_messages(
    State(services): State<Services>,
    caller: Caller,
    Path(VisitorPath { app_id, openid }): Path<VisitorPath>,
    page: PageRequest,
) -> Result<Json<PageOf<Message>>, Problem> {
    let subject = Subject::MiniProgram(&app_id);
    require(&services.conversations, &caller, Action::ReadVisitorMessages, &subject, "binding").await?;
    bindings::find(&services, &app_id).await?;
    let messages =
        services.store.threads.thread_messages(&Thread::new(&app_id, &openid), page.cursor(), page.limit).await?;
    Ok(Json(messages.into()))
}
