//! Conversations: list, read, close, and the visitor's "typing".

use channel::TokenError;
use function::http::{self, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::Deserialize;
use store::Conversation;
use wechat::{Action, client};

use crate::{Deps, page::Wanted};

pub(crate) async fn list(deps: &Deps, request: &Request) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    let page = deps.table.conversations(wanted.cursor(), wanted.limit).await?;
    Ok(http::json(StatusCode::OK, &page))
}

pub(crate) async fn read(deps: &Deps, cid: &str) -> Result<Response<Body>, Problem> {
    Ok(http::json(StatusCode::OK, &find(deps, cid).await?))
}

pub(crate) async fn find(deps: &Deps, cid: &str) -> Result<Conversation, Problem> {
    deps.table.conversation(cid).await?.ok_or_else(|| Problem::not_found("conversation"))
}

/// Closes a conversation; one that is closed already is the same answer.
pub(crate) async fn close(deps: &Deps, cid: &str) -> Result<Response<Body>, Problem> {
    let conversation = find(deps, cid).await?;
    deps.table.close_conversation(&conversation).await?;
    read(deps, cid).await
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
    match deps.channel.typing(&conversation.app_id, &conversation.openid, command).await {
        Ok(()) => Ok(http::empty()),
        // That the visitor does not see it now, or sees it already, has no consequence.
        Err(TokenError::WeChat(error)) if error.action() == Action::Ignore => Ok(http::empty()),
        Err(error) => {
            let failure = error.failure();
            let mut problem = Problem::new(StatusCode::BAD_GATEWAY, failure.code, failure.detail);
            problem.errcode = failure.errcode;
            Err(problem)
        }
    }
}
