//! Visitors: who they are, and what they and a mini program said to each other.

use function::http::{self, Caller, Problem};
use jiff::Timestamp;
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::Serialize;
use store::{Profile, Role, Thread, Visitor};
use wechat::session_from::{self, SessionFrom};

use crate::{Deps, bindings, page::Wanted, view::Quota};

#[derive(Serialize)]
struct Shown<'a> {
    uid: String,
    app_id: &'a str,
    openid: &'a str,
    #[serde(flatten)]
    profile: &'a Profile,
    session_from: Option<Entered<'a>>,
    first_seen_at: Option<Timestamp>,
    last_seen_at: Option<Timestamp>,
    quota: Quota,
    open_cid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Person<'a>>,
}

#[derive(Serialize)]
struct Entered<'a> {
    /// Not for agents where it is signed: for a day the signature makes a visitor of whoever sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    at: Option<Timestamp>,
    /// What the signature was worth.
    verification: Option<&'a str>,
    parsed: SessionFrom,
}

/// Everybody who came with the same verified `partnerid` is one person.
#[derive(Serialize)]
struct Person<'a> {
    partnerid: &'a str,
    visitors: Vec<One>,
}

#[derive(Serialize)]
struct One {
    app_id: String,
    openid: String,
    uid: String,
}

pub(crate) async fn read(deps: &Deps, caller: &Caller, app_id: &str, openid: &str) -> Result<Response<Body>, Problem> {
    bindings::find(deps, app_id).await?;
    let thread = Thread::new(app_id, openid);
    let visitor = deps.table().visitor(&thread).await?;
    if visitor == Visitor::default() {
        return Err(Problem::not_found("visitor"));
    }
    let person = match visitor.profile.proved() {
        Some(partnerid) => {
            let threads = deps.table().person(partnerid).await?;
            let one = |thread: Thread| One { uid: thread.uid(), app_id: thread.app_id, openid: thread.openid };
            Some(Person { partnerid, visitors: threads.into_iter().map(one).collect() })
        }
        None => None,
    };
    let entered = |raw| {
        let parsed = session_from::parse(raw);
        let is_shown = caller.role == Role::Admin || parsed.signature.is_none();
        Entered {
            raw: Some(raw).filter(|_| is_shown),
            at: visitor.session_from_at,
            verification: visitor.verification.as_deref(),
            parsed,
        }
    };
    let shown = Shown {
        uid: thread.uid(),
        app_id,
        openid,
        profile: &visitor.profile,
        session_from: visitor.session_from.as_deref().map(entered),
        first_seen_at: visitor.first_seen_at,
        last_seen_at: visitor.last_seen_at,
        quota: Quota::of(&visitor, deps.table().clock().now()),
        open_cid: visitor.open_cid.as_deref(),
        person,
    };
    Ok(http::json(StatusCode::OK, &shown))
}

pub(crate) async fn messages(
    deps: &Deps,
    request: &Request,
    app_id: &str,
    openid: &str,
) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    bindings::find(deps, app_id).await?;
    let page = deps.table().thread_messages(&Thread::new(app_id, openid), wanted.cursor(), wanted.limit).await?;
    Ok(http::json(StatusCode::OK, &page))
}
