//! Visitors.

#![allow(dead_code, reason = "describes `VisitorView`")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use utoipa::ToSchema;
use wechat::session_from::{SessionFrom, Verification};

use crate::conversation_view::Quota;

/// A visitor of a mini program.
#[derive(ToSchema)]
pub(crate) struct Visitor {
    /// Stands for the mini program and the visitor.
    uid: String,
    app_id: String,
    openid: String,
    #[schema(nullable = false)]
    nickname: Option<String>,
    /// The address of their picture.
    #[schema(nullable = false)]
    avatar: Option<String>,
    /// Who they are in the customer's own system.
    #[schema(nullable = false)]
    partnerid: Option<String>,
    /// Whether the partnerid came with a valid signature; otherwise it is a claim.
    partnerid_verified: bool,
    #[schema(nullable = false)]
    unionid: Option<String>,
    #[schema(nullable = false)]
    robotid: Option<String>,
    /// The merchant that they come from.
    #[schema(nullable = false)]
    customer_code: Option<String>,
    params: BTreeMap<String, String>,
    customer_fields: BTreeMap<String, String>,
    session_from: Option<VisitorSessionFrom>,
    first_seen_at: Option<Timestamp>,
    last_seen_at: Option<Timestamp>,
    quota: Quota,
    /// Their open conversation.
    open_cid: Option<String>,
    #[schema(nullable = false)]
    person: Option<Person>,
}

/// The `session-from` that a visitor last entered with.
#[derive(ToSchema)]
struct VisitorSessionFrom {
    /// As it came. Where it is signed, for admins only: the signature is valid for a day.
    #[schema(nullable = false)]
    raw: Option<String>,
    at: Option<Timestamp>,
    /// The result of the check of its signature.
    verification: Option<Verification>,
    parsed: SessionFrom,
}

/// All visitors who entered with the same verified partnerid; only where it is verified.
#[derive(ToSchema)]
struct Person {
    partnerid: String,
    visitors: Vec<PersonVisitor>,
}

/// A visitor of a person.
#[derive(ToSchema)]
struct PersonVisitor {
    app_id: String,
    openid: String,
    uid: String,
}
