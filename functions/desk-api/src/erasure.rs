//! Erases a visitor.

use std::sync::Arc;

use ::conversations::{Eraser, ErasureState};
use api::{Caller, Json, NoContent, Path, Problem, Routes, State, operation, require};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use desk::policy::{Action, Subject};
use serde::Serialize;
use store::{AuditActor, Thread};
use utoipa::ToSchema;
use wechat::is_app_id;

use crate::{parameters::VisitorPath, services::Services};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::EraseVisitor).route(operation!(erase));
}

/// An erasure that is running.
#[derive(Serialize, ToSchema)]
struct Erasure {
    /// The visitor's uid.
    uid: String,
    state: RunningErasure,
}

/// `running`: it goes on by itself, a minute at a time; another request goes on with it at once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RunningErasure {
    Running,
}

/// Erase a visitor
///
/// Deletes all that is stored of the visitor: profile, notes, messages, conversations with their events, pictures that were sent to
/// them, the link to their person. An open conversation is closed first. What the visitor writes from the beginning of the
/// erasure on is kept and makes a new visitor when it has ended. The audit log keeps who began it and when, with the uid.
///
/// Works for mini programs that are no longer bound, too. Backups, logs and what WeChat keeps are not reached; see
/// docs/operations.md.
#[utoipa::path(
    delete,
    path = "/api/bindings/{app_id}/visitors/{openid}",
    operation_id = "eraseVisitor",
    tag = "visitors",
    params(VisitorPath),
    responses(
        (status = 202, description = "The erasure is running.", body = Erasure),
        (status = 204, description = "Everything is deleted."),
    ),
)]
async fn erase(
    State(services): State<Services>,
    caller: Caller,
    Path(VisitorPath { app_id, openid }): Path<VisitorPath>,
) -> Result<Response, Problem> {
    let thread = find(&services, &caller, Action::EraseVisitor, app_id, openid).await?;
    let actor = Arc::new(AuditActor::from(&*caller));
    let erased = Box::pin(services.eraser.erase(&thread, &actor, Eraser::REQUEST_PAGES)).await?;
    Ok(match erased {
        None => return Err(Problem::not_found("visitor")),
        Some(ErasureState::Done) => NoContent.into_response(),
        Some(ErasureState::Running) => {
            let running = Json(Erasure { uid: thread.uid(), state: RunningErasure::Running });
            (StatusCode::ACCEPTED, running).into_response()
        }
    })
}

/// The thread of a visitor whose mini program may have been deleted, if the caller may do this to them.
pub(crate) async fn find(
    services: &Services,
    caller: &Caller,
    action: Action,
    app_id: String,
    openid: String,
) -> Result<Thread, Problem> {
    require(&services.conversations, caller, action, &Subject::MiniProgram(&app_id), "visitor").await?;
    if !is_app_id(&app_id) {
        return Err(Problem::not_found("visitor"));
    }
    Ok(Thread::new(app_id, openid))
}
