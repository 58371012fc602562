//! Exports what is stored of a visitor.

use std::{collections::BTreeSet, sync::Arc};

use api::{Caller, Json, PageOf, Path, Problem, Query, Routes, State, non_empty, operation};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use desk::policy::Action;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{
    AuditAction, AuditActor, AuditDetail, AuditSubject, AuditSubjectKind, Conversation, Event, Message, NewAudit, Note,
    StoreError, Thread, Upload, Visitor,
};
use utoipa::{IntoParams, ToSchema};

use crate::{erasure, parameters::VisitorPath, schema, services::Services};

/// Items from which a page ends. It has some more, because a step adds several.
const PAGE: usize = 100;
/// Messages and events of a step.
const STEP: i32 = 50;
/// Steps of a page at most, where many add nothing.
const STEPS: usize = 50;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::ExportVisitor).route(operation!(export));
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// The `cursor` of the page before; without it the export begins.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// What is stored of a visitor, one item each.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum ExportedItem {
    /// The visitor's profile, `session-from`, ledger of replies and held texts, and what agents note about them.
    Visitor {
        uid: String,
        app_id: String,
        openid: String,
        #[serde(flatten)]
        visitor: Box<Visitor>,
    },
    /// That they are a person with a verified `partnerid`, and the signer that vouched for it, if it is known.
    Person { partnerid: String, signer: Option<String>, app_id: String, openid: String },
    /// A note that a person wrote about them.
    Note(Note),
    /// A picture that was uploaded to be sent to them.
    Upload(Upload),
    /// A conversation.
    Conversation(Box<Conversation>),
    /// An event of a conversation.
    Event {
        cid: String,
        #[serde(flatten)]
        event: Event,
    },
    /// A message from or to the visitor.
    Message(Box<Message>),
    /// A picture that was uploaded to WeChat for the visitor. WeChat keeps it for three days.
    Media { media_id: String, uploaded_at: Timestamp },
}

/// Where a page begins.
#[derive(Debug, Default, Serialize, Deserialize)]
enum Position {
    #[default]
    Visitor,
    /// The conversation after this cursor of the visitor's conversations.
    Conversation(Option<String>),
    /// Its events, after this cursor of events.
    Events(Option<String>, String),
    Messages(Option<String>),
    End,
}

impl Position {
    fn read(cursor: Option<&str>) -> Result<Self, Problem> {
        let Some(cursor) = cursor else { return Ok(Self::default()) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(StoreError::Cursor)?)
    }

    /// `None` at the end.
    fn cursor(&self) -> Option<String> {
        let is_end = matches!(self, Self::End);
        serde_json::to_string(self).ok().filter(|_| !is_end).map(|text| BASE64_URL_SAFE_NO_PAD.encode(text))
    }
}

/// Export a visitor
///
/// All that is stored of the visitor: profile, person, notes, conversations with their events, messages, and the pictures that were
/// sent to them. The bytes of a picture are those of `GET /api/conversations/{cid}/messages/{id}/media`. The audit log has one entry for the first page. Works for mini programs that are no longer bound, too.
#[utoipa::path(
    get,
    path = "/api/bindings/{app_id}/visitors/{openid}/export",
    operation_id = "exportVisitor",
    tag = "visitors",
    params(VisitorPath, ExportQuery),
    responses((status = 200, description = "A page of items.", body = schema::ExportPage)),
)]
async fn export(
    State(services): State<Services>,
    caller: Caller,
    Path(VisitorPath { app_id, openid }): Path<VisitorPath>,
    Query(ExportQuery { cursor }): Query<ExportQuery>,
) -> Result<Json<PageOf<ExportedItem>>, Problem> {
    let mut position = Position::read(cursor.as_deref())?;
    let thread = erasure::find(&services, &caller, Action::ExportVisitor, app_id, openid).await?;
    if matches!(position, Position::Visitor) {
        if !services.store.threads.is_known(&thread).await? {
            return Err(Problem::not_found("visitor"));
        }
        services.store.audit_log.record(&entry(&caller, &thread)).await?;
    }
    let mut items = Vec::new();
    for _ in 0..STEPS {
        if items.len() >= PAGE || matches!(position, Position::End) {
            break;
        }
        position = Box::pin(step(&services, &thread, position, &mut items)).await?;
    }
    Ok(Json(PageOf { items, cursor: position.cursor() }))
}

fn entry(caller: &Caller, thread: &Thread) -> NewAudit {
    NewAudit {
        actor: Arc::new(AuditActor::from(&**caller)),
        action: AuditAction::VisitorExported,
        subject: AuditSubject::new(AuditSubjectKind::Visitor, thread.uid()),
        app_id: Some(thread.app_id.clone()),
        detail: AuditDetail::default(),
    }
}

/// Adds the items at a position. Returns the next position.
async fn step(
    services: &Services,
    thread: &Thread,
    position: Position,
    items: &mut Vec<ExportedItem>,
) -> Result<Position, StoreError> {
    let store = &services.store;
    Ok(match position {
        Position::Visitor => {
            let visitor = store.threads.visitor(thread).await?;
            add_visitor(thread, visitor, items);
            items.extend(store.threads.notes(thread).await?.into_iter().map(ExportedItem::Note));
            items.extend(services.pictures.uploads(thread).await?.into_iter().map(ExportedItem::Upload));
            Position::Conversation(None)
        }
        Position::Conversation(after) => {
            let page = store.threads.visitor_conversations(thread, after.as_deref(), 1).await?;
            match page.items.first() {
                Some(cid) => {
                    let found = store.conversations.conversation(cid).await?;
                    items.extend(found.map(|found| ExportedItem::Conversation(Box::new(found))));
                    let events = store.conversations.events(cid, None, STEP).await?;
                    add_events(cid, events.items, items);
                    match events.cursor {
                        Some(more) => Position::Events(after, more),
                        None => next_conversation(page.cursor),
                    }
                }
                None => Position::Messages(None),
            }
        }
        Position::Events(after, events) => {
            let page = store.threads.visitor_conversations(thread, after.as_deref(), 1).await?;
            let Some(cid) = page.items.first() else { return Ok(Position::Messages(None)) };
            let events = store.conversations.events(cid, Some(&events), STEP).await?;
            add_events(cid, events.items, items);
            match events.cursor {
                Some(more) => Position::Events(after, more),
                None => next_conversation(page.cursor),
            }
        }
        Position::Messages(after) => {
            let page = store.threads.thread_messages(thread, after.as_deref(), STEP).await?;
            let cursor = page.cursor;
            add_earlier_conversations(services, &page.items, items).await?;
            add_messages(services, thread, page.items, items).await?;
            if cursor.is_some() { Position::Messages(cursor) } else { Position::End }
        }
        Position::End => Position::End,
    })
}

fn next_conversation(cursor: Option<String>) -> Position {
    if cursor.is_some() { Position::Conversation(cursor) } else { Position::Messages(None) }
}

fn add_visitor(thread: &Thread, visitor: Visitor, items: &mut Vec<ExportedItem>) {
    if !visitor.is_stored() {
        return;
    }
    let (uid, app_id, openid) = (thread.uid(), thread.app_id.clone(), thread.openid.clone());
    let person = visitor.profile.proved().map(|proved| ExportedItem::Person {
        partnerid: proved.partnerid.to_owned(),
        signer: proved.signer.map(ToOwned::to_owned),
        app_id: app_id.clone(),
        openid: openid.clone(),
    });
    items.push(ExportedItem::Visitor { uid, app_id, openid, visitor: Box::new(visitor) });
    items.extend(person);
}

fn add_events(cid: &str, events: Vec<Event>, items: &mut Vec<ExportedItem>) {
    items.extend(events.into_iter().map(|event| ExportedItem::Event { cid: cid.to_owned(), event }));
}

/// Adds the messages, and the pictures that were uploaded for them.
async fn add_messages(
    services: &Services,
    thread: &Thread,
    messages: Vec<Message>,
    items: &mut Vec<ExportedItem>,
) -> Result<(), StoreError> {
    for message in messages {
        let media_id = message.content.get("media_id").and_then(serde_json::Value::as_str).map(ToOwned::to_owned);
        let sent = message.kind == "image" && message.author.is_some();
        items.push(ExportedItem::Message(Box::new(message)));
        if let Some(media_id) = media_id.filter(|_| sent)
            && let Some(uploaded_at) = services.store.media.media_uploaded_at(&thread.app_id, &media_id).await?
        {
            items.push(ExportedItem::Media { media_id, uploaded_at });
        }
    }
    Ok(())
}

/// Adds the conversations that begin with one of these messages and that an earlier version has not entered among those of
/// the visitor.
async fn add_earlier_conversations(
    services: &Services,
    messages: &[Message],
    items: &mut Vec<ExportedItem>,
) -> Result<(), StoreError> {
    let store = &services.store;
    let cids: BTreeSet<String> = messages.iter().filter_map(|message| message.cid.clone()).collect();
    let conversations = store.conversations.conversations_of(&cids.into_iter().collect::<Vec<_>>()).await?;
    for conversation in conversations {
        let begins_here = messages.iter().any(|message| conversation.begins_with(&message.id));
        if !begins_here || store.threads.has_link(&conversation).await? {
            continue;
        }
        let cid = conversation.cid.clone();
        items.push(ExportedItem::Conversation(Box::new(conversation)));
        let mut cursor = None;
        loop {
            let page = store.conversations.events(&cid, cursor.as_deref(), STEP).await?;
            add_events(&cid, page.items, items);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// An item of an export. The fields beside `kind` are those that are stored.
#[derive(ToSchema)]
#[schema(as = ExportedItem)]
#[allow(dead_code, reason = "describes `ExportedItem`")]
pub(crate) struct ExportedItemSchema {
    kind: ExportedKind,
    #[serde(flatten)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    stored: serde_json::Map<String, serde_json::Value>,
}

/// What an item of an export is. `event`: of the conversation `cid`; `media`: a picture that was uploaded for the visitor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes `ExportedItem`")]
enum ExportedKind {
    Visitor,
    Person,
    Note,
    Upload,
    Conversation,
    Event,
    Message,
    Media,
}
