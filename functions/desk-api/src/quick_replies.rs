//! Quick replies: list, create, get, change, delete.

use api::{
    Caller, Code, Created, Json, NoContent, Path, Problem, Routes, State, not_null, operation, present, require,
};
use desk::policy::{self, Action, GroupChange, Subject};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Author, Kind, QuickReply, ReplyOwner, ReplyText};
use utoipa::ToSchema;
use wechat::Name;

use crate::{lookup, parameters::IdPath, services::Services, text};

/// The variables of a text, in braces.
const VARIABLES: [&str; 2] = ["visitor", "agent"];

/// The longest title, shortcut, folder and content, in bytes.
const TITLE_MAX: usize = 128;
const SHORTCUT_MAX: usize = 32;
const FOLDER_MAX: usize = 64;
const CONTENT_MAX: usize = 2048;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::ReadQuickReplies)
        .route(operation!(list))
        .route(operation!(read))
        .allow(Action::WriteQuickReply)
        .route_refusing(operation!(create), &[(409, Code::QuickReplyTooMany)])
        .route(operation!(change))
        .route(operation!(delete));
}

/// Who may use a quick reply. `personal`: the agent who made it; `group`: the members of a group; `all`: every agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReplyScope {
    Personal,
    Group,
    All,
}

/// A quick reply.
#[derive(Serialize, ToSchema)]
#[schema(as = QuickReply)]
struct ReplyView {
    id: String,
    scope: ReplyScope,
    /// Of `group`: the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    group_id: Option<String>,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shortcut: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    folder: Option<String>,
    /// The text, with `{visitor}` and `{agent}` in the place of names.
    content: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Who changed it last.
    updated_by: Author,
}

/// All quick replies that the caller may use.
#[derive(Serialize, ToSchema)]
#[schema(as = QuickReplies)]
struct Replies {
    /// The caller's own, then the shared ones; of each owner in the order in which they were made.
    #[schema(max_items = 1300)]
    items: Vec<ReplyView>,
}

/// A quick reply to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewQuickReply, example = json!({ "scope": "personal", "title": "问候", "shortcut": "hi", "content": "您好{visitor}，我是{agent}。" }))]
struct NewReply {
    scope: ReplyScope,
    /// With `group`: the group's id.
    #[serde(default)]
    #[schema(max_length = 100)]
    group_id: Option<String>,
    /// One line of at most 128 bytes.
    #[schema(min_length = 1, max_length = 128)]
    title: String,
    /// What finds it in the composer: one line of at most 32 bytes.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 32)]
    shortcut: Option<String>,
    /// The folder that it is listed in: one line of at most 64 bytes.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    folder: Option<String>,
    /// The text: at most 2048 bytes. `{visitor}` and `{agent}` stand for names; other words in braces are refused.
    #[schema(min_length = 1, max_length = 2048)]
    content: String,
}

/// A change of a quick reply. A field that is missing stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "a field that is missing, null, or a value")]
#[schema(as = QuickReplyChange)]
struct ReplyChange {
    /// See `NewQuickReply`.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    title: Option<String>,
    /// See `NewQuickReply`; null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 32)]
    shortcut: Option<Option<String>>,
    /// See `NewQuickReply`; null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    folder: Option<Option<String>>,
    /// See `NewQuickReply`.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false, min_length = 1, max_length = 2048)]
    content: Option<String>,
}

impl ReplyView {
    fn of(reply: QuickReply) -> Self {
        let (scope, group_id) = match reply.owner {
            ReplyOwner::Agent(_) => (ReplyScope::Personal, None),
            ReplyOwner::Group(id) => (ReplyScope::Group, Some(id)),
            ReplyOwner::All => (ReplyScope::All, None),
        };
        let ReplyText { title, shortcut, folder, content } = reply.text;
        let (created_at, updated_at, updated_by) = (reply.created_at, reply.updated_at, reply.updated_by);
        Self { id: reply.id, scope, group_id, title, shortcut, folder, content, created_at, updated_at, updated_by }
    }
}

/// List quick replies
///
/// All that the caller may use, at once: their own, those of the groups that they are a member of or supervise, and those of all.
/// An admin gets those of every group.
#[utoipa::path(
    get,
    path = "/api/quick-replies",
    operation_id = "listQuickReplies",
    tag = "quick replies",
    responses((status = 200, description = "The quick replies.", body = Replies)),
)]
async fn list(State(services): State<Services>, caller: Caller) -> Result<Json<Replies>, Problem> {
    let reader = services.conversations.caller(&caller).await?;
    let agent = services.conversations.known_agent(&caller).await?;
    let found = services.store.quick_replies.quick_replies(agent.as_deref()).await?;
    let usable = found.into_iter().filter(|reply| may_use(&reader, agent.as_deref(), &reply.owner));
    Ok(Json(Replies { items: usable.map(ReplyView::of).collect() }))
}

/// Create a quick reply
///
/// Every agent may create their own. A supervisor may create those of the groups that they supervise, an admin those of every
/// group and those of all. An agent may have 300, and 1000 may be shared.
#[utoipa::path(
    post,
    path = "/api/quick-replies",
    operation_id = "createQuickReply",
    tag = "quick replies",
    request_body = NewReply,
    responses((status = 201, description = "The quick reply.", body = ReplyView)),
)]
async fn create(
    State(services): State<Services>,
    caller: Caller,
    Json(new): Json<NewReply>,
) -> Result<Created<ReplyView>, Problem> {
    let text = validated(&new.title, new.shortcut, new.folder, &new.content)?;
    let owner = match (new.scope, new.group_id) {
        (ReplyScope::Personal, None) => ReplyOwner::Agent(services.actions.get_or_create_agent(&caller).await?),
        (ReplyScope::All, None) => ReplyOwner::All,
        (ReplyScope::Group, Some(group)) => ReplyOwner::Group(group),
        (ReplyScope::Group, None) => return Err(Problem::invalid_field("group_id", "is missing")),
        (_, Some(_)) => return Err(Problem::invalid_field("group_id", "goes with the scope group")),
    };
    require_owner(&services, &caller, &owner).await?;
    if let ReplyOwner::Group(group) = &owner
        && !(Kind::Group.is_id(group) && lookup::exists(&services, Kind::Group, group).await?)
    {
        return Err(Problem::invalid_field("group_id", "is not the id of a group"));
    }
    let max = owner.max();
    let author = author(&services, &caller).await?;
    let stored = services.store.quick_replies.create_quick_reply(owner, text, author).await?;
    let too_many = || Problem::conflict(Code::QuickReplyTooMany, format!("There are {max} already. Delete one first."));
    stored.map(|reply| Created(ReplyView::of(reply))).ok_or_else(too_many)
}

/// Get a quick reply
#[utoipa::path(
    get,
    path = "/api/quick-replies/{id}",
    operation_id = "getQuickReply",
    tag = "quick replies",
    params(IdPath),
    responses((status = 200, description = "The quick reply.", body = ReplyView)),
)]
async fn read(
    State(services): State<Services>,
    caller: Caller,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<Json<ReplyView>, Problem> {
    find(&services, &caller, &id).await.map(|reply| Json(ReplyView::of(reply)))
}

/// Change a quick reply
#[utoipa::path(
    patch,
    path = "/api/quick-replies/{id}",
    operation_id = "changeQuickReply",
    tag = "quick replies",
    params(IdPath),
    request_body = ReplyChange,
    responses((status = 200, description = "The quick reply.", body = ReplyView)),
)]
async fn change(
    State(services): State<Services>,
    caller: Caller,
    Path(IdPath { id }): Path<IdPath>,
    Json(change): Json<ReplyChange>,
) -> Result<Json<ReplyView>, Problem> {
    let seen = find(&services, &caller, &id).await?;
    require_owner(&services, &caller, &seen.owner).await?;
    let text = validated(
        change.title.as_ref().unwrap_or(&seen.text.title),
        change.shortcut.unwrap_or_else(|| seen.text.shortcut.clone()),
        change.folder.unwrap_or_else(|| seen.text.folder.clone()),
        change.content.as_ref().unwrap_or(&seen.text.content),
    )?;
    let author = author(&services, &caller).await?;
    let changed = services.store.quick_replies.change_quick_reply(&seen, text, author).await?;
    Ok(Json(ReplyView::of(changed)))
}

/// Delete a quick reply
#[utoipa::path(
    delete,
    path = "/api/quick-replies/{id}",
    operation_id = "deleteQuickReply",
    tag = "quick replies",
    params(IdPath),
    responses((status = 204, description = "The quick reply is deleted.")),
)]
async fn delete(
    State(services): State<Services>,
    caller: Caller,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<NoContent, Problem> {
    let seen = find(&services, &caller, &id).await?;
    require_owner(&services, &caller, &seen.owner).await?;
    services.store.quick_replies.delete_quick_reply(&seen).await?;
    Ok(NoContent)
}

/// One that the caller may use.
async fn find(services: &Services, caller: &Caller, id: &str) -> Result<QuickReply, Problem> {
    let found = services.store.quick_replies.quick_reply(id).await?;
    let reply = found.ok_or_else(|| Problem::not_found("quick reply"))?;
    let reader = services.conversations.caller(caller).await?;
    let agent = services.conversations.known_agent(caller).await?;
    if may_use(&reader, agent.as_deref(), &reply.owner) { Ok(reply) } else { Err(Problem::not_found("quick reply")) }
}

/// Whether a caller may use the quick replies of an owner. An agent's own replies are for that agent only, not for admins.
fn may_use(reader: &policy::Caller, agent: Option<&str>, owner: &ReplyOwner) -> bool {
    match (owner, reader) {
        (ReplyOwner::All, _) | (ReplyOwner::Group(_), policy::Caller::Admin { .. }) => true,
        (ReplyOwner::Agent(id), _) => agent == Some(id),
        (ReplyOwner::Group(id), policy::Caller::Supervisor { member, supervised }) => {
            supervised.contains(id) || member.groups.contains_key(id)
        }
        (ReplyOwner::Group(id), policy::Caller::Agent(member)) => member.groups.contains_key(id),
        (ReplyOwner::Group(_), policy::Caller::Integrator { .. }) => false,
    }
}

/// Refuses a caller who may not write what this owner has.
async fn require_owner(services: &Services, caller: &Caller, owner: &ReplyOwner) -> Result<(), Problem> {
    let subject = match owner {
        // This is always the caller's own agent: `create` takes no other, and `find` hides the replies of other agents.
        ReplyOwner::Agent(_) => return Ok(()),
        ReplyOwner::Group(id) => Subject::Group(GroupChange { id, only_members_and_hours: true }),
        ReplyOwner::All => Subject::Desk,
    };
    require(&services.conversations, caller, Action::WriteQuickReply, &subject, "quick reply").await
}

async fn author(services: &Services, caller: &Caller) -> Result<Author, Problem> {
    let agent_id = services.conversations.known_agent(caller).await?;
    Ok(Author { role: caller.role().into(), name: caller.name.clone(), agent_id })
}

fn validated(
    title: &str,
    shortcut: Option<String>,
    folder: Option<String>,
    content: &str,
) -> Result<ReplyText, Problem> {
    let line = |field: &str, text: &str, max: usize| {
        let name = Name::parse(text, max).map_err(|error| Problem::invalid_field(field, error.to_string()))?;
        Ok::<_, Problem>(String::from(name))
    };
    let title = line("title", title, TITLE_MAX)?;
    let shortcut = shortcut.map(|shortcut| line("shortcut", &shortcut, SHORTCUT_MAX)).transpose()?;
    let folder = folder.map(|folder| line("folder", &folder, FOLDER_MAX)).transpose()?;
    let content = text::validated("content", content, CONTENT_MAX)?;
    if let Some(unknown) = words_in_braces(&content).find(|word| !VARIABLES.contains(word)) {
        let detail = format!("has the variable {{{unknown}}}; there are {{{}}}", VARIABLES.join("} and {"));
        return Err(Problem::invalid_field("content", detail));
    }
    Ok(ReplyText { title, shortcut, folder, content })
}

/// The words in braces that look like the name of a variable.
fn words_in_braces(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(word, _)| word);
    words.filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_braces_are_variables_only_where_they_look_like_one() {
        for (text, words) in [
            ("您好{visitor}，我是{agent}。", vec!["visitor", "agent"]),
            ("{order_id}{ x }{}{{agent}}", vec!["order_id", "agent"]),
            ("{ \"a\": 1 } 没有 } { 变量", vec![]),
        ] {
            assert_eq!(words_in_braces(text).collect::<Vec<_>>(), words, "{text}");
        }
    }
}
