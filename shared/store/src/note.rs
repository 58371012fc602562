//! Notes that people write about a visitor, for each other: one item each, in the visitor's thread. The visitor never gets them.
//!
//! Each change of the notes writes the visitor as well, on condition that their version is the one that was read: so no note is added
//! to a visitor who is being erased, no visitor has more than [`NOTES_MAX`], and the revision of their conversations changes.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use jiff::Timestamp;

use crate::{
    error::Result,
    handles::{ThreadReader, VisitorNotes},
    item::{Attributes, Build, Read, at, json, s},
    keys,
    marks::ATTEMPTS,
    message::Author,
    retry::Attempted,
    table::Table,
    thread::Thread,
    transaction::{Transacted, built},
    visitor::Visitor,
};

/// The greatest number of notes about a visitor.
pub const NOTES_MAX: usize = 100;

/// The longest note, in bytes.
pub const NOTE_MAX: usize = 2000;

/// A note about a visitor. It expires after the period of visitors, from when it was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Note {
    /// The note's id.
    pub id: String,
    /// Its text, at most 2000 bytes.
    pub text: String,
    /// Who wrote it.
    pub author: Author,
    /// When it was written.
    pub created_at: Timestamp,
}

/// The result of adding a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteAdded {
    /// It is stored.
    Stored(Note),
    /// The visitor has [`NOTES_MAX`] already.
    TooMany,
    /// Nothing is stored of the visitor, or they are being erased.
    NoVisitor,
}

impl ThreadReader {
    /// The notes about a visitor, oldest first.
    pub async fn notes(&self, thread: &Thread) -> Result<Vec<Note>> {
        self.0.notes(thread).await
    }

    /// One note.
    pub async fn note(&self, thread: &Thread, id: &str) -> Result<Option<Note>> {
        let item = self.0.get(thread.pk(), &keys::note(id), true).await?;
        item.as_ref().map(Note::read).transpose()
    }
}

impl VisitorNotes {
    /// Adds a note.
    pub async fn add_note(&self, thread: &Thread, text: &str, author: &Author) -> Result<NoteAdded> {
        let table = &self.0;
        let note = Note {
            id: format!("n{}", uuid::Uuid::now_v7().simple()),
            text: text.to_owned(),
            author: author.clone(),
            created_at: table.clock.now(),
        };
        let note = &note;
        let attempt = |_| async move {
            let Some(visitor) = self.noted_visitor(thread).await? else {
                return Ok(Attempted::Done(NoteAdded::NoVisitor));
            };
            if table.notes(thread).await?.len() >= NOTES_MAX {
                return Ok(Attempted::Done(NoteAdded::TooMany));
            }
            let put = table.put_new(note.item(table, thread)?)?;
            Ok(match table.write_note(thread, &visitor, put).await? {
                // No other note has this id: an earlier attempt wrote it and its answer was lost.
                Transacted::Written | Transacted::ConditionFailed(0) => {
                    Attempted::Done(NoteAdded::Stored(note.clone()))
                }
                Transacted::ConditionFailed(_) | Transacted::InConflict(_) => Attempted::Conflict,
            })
        };
        table.backoff().retry_on_conflict(ATTEMPTS, attempt).await
    }

    /// Deletes a note; `false` when there is none.
    pub async fn delete_note(&self, thread: &Thread, id: &str) -> Result<bool> {
        let table = &self.0;
        let attempt = |_| async move {
            let Some(visitor) = self.noted_visitor(thread).await? else { return Ok(Attempted::Done(false)) };
            let delete =
                Delete::builder().table_name(&table.name).key("pk", s(thread.pk())).key("sk", s(keys::note(id)));
            let delete = built(delete.condition_expression("attribute_exists(pk)").build())?;
            let delete = TransactWriteItem::builder().delete(delete).build();
            Ok(match table.write_note(thread, &visitor, delete).await? {
                Transacted::Written => Attempted::Done(true),
                Transacted::ConditionFailed(0) => Attempted::Done(false),
                Transacted::ConditionFailed(_) | Transacted::InConflict(_) => Attempted::Conflict,
            })
        };
        table.backoff().retry_on_conflict(ATTEMPTS, attempt).await
    }
}

impl Table {
    async fn notes(&self, thread: &Thread) -> Result<Vec<Note>> {
        let limit = i32::try_from(NOTES_MAX).unwrap_or(i32::MAX);
        let items = self.partition(thread.pk(), keys::NOTE_PREFIX, limit).await?;
        items.iter().map(Note::read).collect()
    }

    async fn write_note(&self, thread: &Thread, seen: &Visitor, write: TransactWriteItem) -> Result<Transacted> {
        self.transact_once(vec![write, self.noted_visitor_put(thread, seen)?]).await
    }

    /// A write together with one of the visitor, who stays as they were read.
    pub(crate) async fn write_with_visitor(
        &self,
        thread: &Thread,
        seen: &Visitor,
        write: TransactWriteItem,
    ) -> Result<Transacted> {
        let visitor = self.visitor_put(thread, seen, seen)?;
        self.transact_once(vec![write, visitor]).await
    }
}

impl Note {
    fn item(&self, table: &Table, thread: &Thread) -> Result<Attributes> {
        Ok(Build::new(keys::NOTE, thread.pk(), keys::note(&self.id))
            .set("id", s(&self.id))
            .set("text", s(&self.text))
            .set("author", json(&self.author)?)
            .set("created_at", at(self.created_at))
            .maybe("ttl", table.retention.visitors.ttl(self.created_at))
            .done())
    }

    fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::NOTE, item };
        Ok(Self {
            id: read.owned("id")?,
            text: read.owned("text")?,
            author: read.json("author")?,
            created_at: read.at("created_at")?,
        })
    }
}
