//! Notes about a visitor: list, write, delete.

use api::{Caller, Code, Created, Json, NoContent, Path, Problem, Routes, State, operation};
use desk::policy::{Action, Role};
use serde::{Deserialize, Serialize};
use store::{Author, NOTE_MAX, NOTES_MAX, Note, NoteAdded, Thread};
use utoipa::ToSchema;

use crate::{
    handoff::acting_agent,
    names::Named,
    parameters::{NotePath, VisitorPath},
    services::Services,
    text, visitors,
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::NoteVisitor)
        .route(operation!(list))
        .route_refusing(operation!(create), &[(409, Code::VisitorTooManyNotes)])
        .route(operation!(delete));
}

/// A note to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    /// Its text: at most 2000 bytes, not blank.
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
}

/// All notes about a visitor.
#[derive(Serialize, ToSchema)]
struct Notes {
    /// The notes, oldest first, at most 100.
    #[schema(max_items = 100)]
    items: Vec<Note>,
}

/// List the notes about a visitor
///
/// Oldest first, all at once. Whoever may read the visitor may read the notes; the visitor never gets them.
#[utoipa::path(
    get,
    path = "/api/bindings/{app_id}/visitors/{openid}/notes",
    operation_id = "listVisitorNotes",
    tag = "visitors",
    params(VisitorPath),
    responses((status = 200, description = "The notes.", body = Notes)),
)]
async fn list(
    State(services): State<Services>,
    caller: Caller,
    Path(VisitorPath { app_id, openid }): Path<VisitorPath>,
) -> Result<Json<Notes>, Problem> {
    let thread = Thread::new(&app_id, &openid);
    visitors::permitted(&services, &caller, Action::NoteVisitor, &thread).await?;
    let mut items = services.store.threads.notes(&thread).await?;
    let agent = |note: &Note| note.author.agent_id.clone().map(Named::Agent);
    let names = services.names.names(&services.store, items.iter().filter_map(agent).collect()).await;
    for note in &mut items {
        if let Some(name) = agent(note).and_then(|agent| names.get(&agent)) {
            note.author.name = Some(name.clone());
        }
    }
    Ok(Json(Notes { items }))
}

/// Write a note about a visitor
///
/// For colleagues: the visitor never gets it.
#[utoipa::path(
    post,
    path = "/api/bindings/{app_id}/visitors/{openid}/notes",
    operation_id = "createVisitorNote",
    tag = "visitors",
    params(VisitorPath),
    request_body = NewNote,
    responses((status = 201, description = "The note.", body = Note)),
)]
async fn create(
    State(services): State<Services>,
    caller: Caller,
    Path(VisitorPath { app_id, openid }): Path<VisitorPath>,
    Json(NewNote { text }): Json<NewNote>,
) -> Result<Created<Note>, Problem> {
    let text = text::validated("text", &text, NOTE_MAX)?;
    let thread = Thread::new(&app_id, &openid);
    visitors::permitted(&services, &caller, Action::NoteVisitor, &thread).await?;
    let agent_id = acting_agent(&services, &caller).await?.or_else(|| caller.agent_id.clone());
    let author = Author { role: caller.role().into(), name: caller.name.clone(), agent_id };
    match services.store.visitor_notes.add_note(&thread, &text, &author).await? {
        NoteAdded::Stored(note) => Ok(Created(note)),
        NoteAdded::TooMany => {
            let detail = format!("The visitor has {NOTES_MAX} notes. Delete one first.");
            Err(Problem::conflict(Code::VisitorTooManyNotes, detail))
        }
        NoteAdded::NoVisitor => Err(Problem::not_found("visitor")),
    }
}

/// Delete a note about a visitor
///
/// Its author, a supervisor or an admin may delete it.
#[utoipa::path(
    delete,
    path = "/api/bindings/{app_id}/visitors/{openid}/notes/{id}",
    operation_id = "deleteVisitorNote",
    tag = "visitors",
    params(NotePath),
    responses((status = 204, description = "The note is deleted.")),
)]
async fn delete(
    State(services): State<Services>,
    caller: Caller,
    Path(NotePath { app_id, openid, id }): Path<NotePath>,
) -> Result<NoContent, Problem> {
    let thread = Thread::new(&app_id, &openid);
    visitors::permitted(&services, &caller, Action::NoteVisitor, &thread).await?;
    let note = services.store.threads.note(&thread, &id).await?.ok_or_else(|| Problem::not_found("note"))?;
    if caller.role() == Role::Agent {
        let agent = services.conversations.known_agent(&caller).await?;
        if agent.is_none() || agent != note.author.agent_id {
            return Err(Problem::forbidden("Another person wrote the note."));
        }
    }
    if services.store.visitor_notes.delete_note(&thread, &id).await? {
        Ok(NoContent)
    } else {
        Err(Problem::not_found("note"))
    }
}
