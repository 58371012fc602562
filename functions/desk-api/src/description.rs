//! The OpenAPI description of the API.

use api::{Document, Routes, StaticJson, operation};
use desk::policy::Action;
use serde_json::Value;
use utoipa::openapi::{InfoBuilder, info::LicenseBuilder, tag::TagBuilder};

use crate::services::Services;

/// The description as it is checked in and served.
pub const OPENAPI: &str = include_str!("../openapi.json");

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::ReadSelf).route(operation!(read));
}

/// Get this description
///
/// The OpenAPI 3.1 document of the API.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "getDescription",
    tag = "description",
    responses((status = 200, description = "The description.", body = Object, content_type = "application/json")),
)]
async fn read() -> StaticJson {
    StaticJson(OPENAPI)
}

/// The tags of the operations, each with what it groups.
const TAGS: [(&str, &str); 20] = [
    ("access tokens", "Tokens of this API."),
    ("agents", "客服: the people who answer, and whether they are on duty."),
    ("audit", "Who did what."),
    ("bindings", "Mini programs: credentials, callback and reception settings."),
    ("calendars", "Working hours."),
    ("conversations", "Conversations of visitors with a mini program."),
    ("description", "This description."),
    ("frames", "Pages of the team's own beside a conversation."),
    ("groups", "技能组: agents who answer the same kind of conversations."),
    ("handoff", "Who has a conversation: claim, accept, transfer, close."),
    ("me", "The caller."),
    ("merchants", "The merchants of a platform."),
    ("messages", "The messages of a conversation, and cards."),
    ("questions", "What a robot knows."),
    ("quick replies", "Texts that agents send often."),
    ("robots", "Robots that answer."),
    ("routing", "Where conversations go."),
    ("session-from", "What a mini program tells about a visitor who enters."),
    ("sessions", "Browsers that have signed in."),
    ("visitors", "Visitors of a mini program."),
];

/// Makes the description of this function's operations and of those that `further` mounts, which other functions serve
/// under the same API.
pub fn document(further: impl FnOnce(&mut Document)) -> serde_json::Result<Value> {
    let mut document = Document::default();
    crate::mount(&mut document);
    further(&mut document);
    let description = "Customer service for WeChat Mini Programs. Errors are problem details (RFC 9457) with a stable \
                       `code`; times are RFC 3339 in UTC; lists page by `cursor`. A change of settings takes effect within \
                       10 seconds; this API returns it at once.";
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Kefu")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(license))
        .build();
    let tag = |(name, description): (&str, &str)| TagBuilder::new().name(name).description(Some(description)).build();
    document.finish(info, TAGS.into_iter().map(tag).collect())
}
