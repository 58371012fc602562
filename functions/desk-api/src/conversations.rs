//! Conversations: list, read, what happened in them, and the visitor's "typing".

use channel::TokenError;
use function::http::{self, Caller, FieldError, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::Deserialize;
use store::{Conversation, Page, Queue, Role, StoreError, Table};
use wechat::{Action, client};

use crate::{Deps, me, page::Wanted, view};

/// Which conversations are asked for.
enum View {
    All,
    Mine(Option<String>),
    Waiting(Queue),
}

impl View {
    async fn of(deps: &Deps, caller: &Caller, wanted: &Wanted) -> Result<Self, Problem> {
        let agent = wanted.parameter("agent_id");
        match (wanted.parameter("view"), wanted.parameter("group_id"), agent) {
            (None | Some("all"), None, None) => Ok(Self::All),
            (Some("mine"), None, None) => Ok(Self::Mine(me::known(deps, caller).await?)),
            (Some("mine"), None, Some(agent)) => {
                if caller.role != Role::Admin && me::known(deps, caller).await?.as_deref() != Some(agent) {
                    caller.must_be_admin()?;
                }
                Ok(Self::Mine(Some(agent.to_owned())))
            }
            (Some("waiting"), Some(group), None) => Ok(Self::Waiting(Queue::Group(group.to_owned()))),
            (Some("waiting"), None, Some(agent)) => Ok(Self::Waiting(Queue::Agent(agent.to_owned()))),
            (Some("left_messages"), None, None) => Ok(Self::Waiting(Queue::LeftMessages)),
            (Some("waiting"), ..) => wrong("view", "needs either group_id or agent_id"),
            (None | Some("all" | "mine" | "left_messages"), Some(_), _) => wrong("group_id", "goes with view=waiting"),
            (None | Some("all" | "left_messages"), ..) => wrong("agent_id", "goes with view=waiting or view=mine"),
            _ => wrong("view", "must be all, mine, waiting or left_messages"),
        }
    }

    async fn page(&self, table: &Table, wanted: &Wanted) -> Result<Page<Conversation>, StoreError> {
        let (cursor, limit) = (wanted.cursor(), wanted.limit);
        let (cids, cursor) = match self {
            Self::All => return table.conversations(cursor, limit).await,
            Self::Mine(None) => (Vec::new(), None),
            Self::Mine(Some(agent)) => {
                let page = table.assigned_page(agent, cursor, limit).await?;
                (page.items, page.cursor)
            }
            Self::Waiting(queue) => {
                let page = table.waiting_page(queue, cursor, limit).await?;
                (page.items.into_iter().map(|entry| entry.cid).collect(), page.cursor)
            }
        };
        Ok(Page { items: table.conversations_of(&cids).await?, cursor })
    }
}

fn wrong<T>(field: &str, detail: &str) -> Result<T, Problem> {
    Err(Problem::invalid(vec![FieldError::new(field, detail)]))
}

pub(crate) async fn list(deps: &Deps, request: &Request, caller: &Caller) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    let page = View::of(deps, caller, &wanted).await?.page(deps.table(), &wanted).await?;
    Ok(http::json(StatusCode::OK, &view::page(deps.table(), &page).await?))
}

pub(crate) async fn read(deps: &Deps, cid: &str) -> Result<Response<Body>, Problem> {
    show(deps, &find(deps, cid).await?).await
}

pub(crate) async fn show(deps: &Deps, conversation: &Conversation) -> Result<Response<Body>, Problem> {
    Ok(http::json(StatusCode::OK, &view::one(deps.table(), conversation).await?))
}

pub(crate) async fn find(deps: &Deps, cid: &str) -> Result<Conversation, Problem> {
    deps.table().conversation(cid).await?.ok_or_else(|| Problem::not_found("conversation"))
}

/// What happened in a conversation, oldest first.
pub(crate) async fn events(deps: &Deps, request: &Request, cid: &str) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    find(deps, cid).await?;
    Ok(http::json(StatusCode::OK, &deps.table().events(cid, wanted.cursor(), wanted.limit).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typing {
    typing: bool,
}

pub(crate) async fn typing(deps: &Deps, request: &Request, cid: &str) -> Result<Response<Body>, Problem> {
    let asked: Typing = http::body(request)?;
    let conversation = find(deps, cid).await?;
    let command = if asked.typing { client::Typing::Start } else { client::Typing::Cancel };
    match deps.channel().typing(&conversation.app_id, &conversation.openid, command).await {
        Ok(()) => Ok(http::empty()),
        // That the visitor does not see it now, or sees it already, has no consequence.
        Err(TokenError::WeChat(error)) if error.action() == Action::Ignore => Ok(http::empty()),
        Err(error) => Err(Problem::unsent(&error.failure())),
    }
}
