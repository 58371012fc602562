//! HTTP for the functions behind `/api`: an [`axum`] router that runs in Lambda.
//!
//! - [`Problem`] and [`Code`]: RFC 9457 problem details. Every refusal has this form, including those of the router
//!   itself: an unknown path, another method, a body that is not JSON, a parameter that cannot be read.
//! - Extractors: [`Caller`], [`Path`], [`Query`], [`PageRequest`], [`Json`], [`OptionalJson`], [`LimitedJson`],
//!   [`Idempotent`]; [`Permitted`], the conversation that a path names, for a caller who may do the operation's action to it.
//! - Answers: [`Json`] (200), [`Created`] (201), [`NoContent`] (204), [`Sent`] (the status follows from the message).
//! - [`Routes`] and [`operation!`]: an operation is mounted together with its
//!   [`Action`](desk::policy::Action), which decides who may call it, and the codes of its refusals. [`ApiRouter`] makes a router of the operations, [`Document`] their OpenAPI description.
//! - [`serve`]: passes a Lambda request to the router, and answers before the function's timeout; [`LastSend`].

mod body;
mod caller;
mod code;
mod document;
mod handoff;
mod idempotency;
mod page;
mod parameters;
mod permission;
mod problem;
mod response;
mod router;
mod routes;
mod serve;
mod strict;
mod wording;

pub use axum::extract::State;
pub use body::{Binary, Json, LimitedJson, MAX_BODY, OptionalJson, not_null, present, read};
pub use caller::Caller;
pub use code::{Code, Refusal};
pub use document::{Document, PROBLEM_JSON};
pub use handoff::{agent_offline, reassigned, refused as handoff_refused};
pub use idempotency::{IdempotencyKey, Idempotent, key_reused};
pub use page::{PageOf, PageRequest};
pub use parameters::{Path, Query, non_empty};
#[doc(hidden)]
pub use pastey;
pub use permission::{Permitted, require};
pub use problem::{FieldError, Problem, ProblemAssignee};
pub use response::{Created, NoContent, Sent, StaticJson};
pub use router::ApiRouter;
pub use routes::{Allowed, Describe, Operation, Route, Routes};
pub use serve::{LastSend, serve};
