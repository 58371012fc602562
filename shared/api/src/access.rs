//! Who may call an operation.

use axum::{
    extract::{FromRequestParts, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use store::Role;

use crate::{Caller, Problem};

/// Who may call an operation. An operation cannot be mounted without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Admins.
    Admin,
    /// Every caller with a valid token.
    Agent,
}

impl Access {
    /// Refuses a caller who may not call the operation.
    pub fn check(self, caller: &Caller) -> Result<(), Problem> {
        match (self, caller.role) {
            (Self::Agent, _) | (Self::Admin, Role::Admin) => Ok(()),
            (Self::Admin, Role::Supervisor | Role::Agent | Role::Integrator) => {
                Err(Problem::forbidden("This needs an admin's token; yours is an agent's."))
            }
        }
    }
}

/// The layer around an operation: without a permitted caller its handler does not run.
pub(crate) async fn guard(access: Access, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &()).await;
    match caller.and_then(|caller| access.check(&caller)) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => problem.into_response(),
    }
}
