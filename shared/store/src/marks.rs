//! What people note about a visitor for each other: a name, tags, a star. It is stored with the visitor, so that lists show it without a
//! further request.

use serde::{Deserialize, Serialize};

use crate::{
    error::Result, handles::VisitorNotes, retry::Attempted, thread::Thread, transaction::Transacted, visitor::Visitor,
};

/// The greatest number of tags of a visitor.
pub const TAGS_MAX: usize = 20;

/// The longest tag and the longest remark name, in bytes.
pub const TAG_MAX: usize = 64;

/// How often a change is tried that meets other writers of the visitor.
pub(crate) const ATTEMPTS: u32 = 20;

/// What people note about a visitor. All agents who may see the visitor share it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// The name by which agents know them, at most [`TAG_MAX`] bytes.
    #[serde(rename = "name", skip_serializing_if = "Option::is_none")]
    pub remark_name: Option<String>,
    /// Tags, at most [`TAGS_MAX`], each at most [`TAG_MAX`] bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether they are starred.
    #[serde(rename = "star", skip_serializing_if = "std::ops::Not::not")]
    pub starred: bool,
}

/// A change of [`Marks`]; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarksChange {
    /// The name to set, or to remove.
    pub remark_name: Option<Option<String>>,
    /// The tags to set in place of those that are there.
    pub tags: Option<Vec<String>>,
    /// Whether the visitor is starred.
    pub starred: Option<bool>,
}

impl Marks {
    /// Whether nothing is noted.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl MarksChange {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn apply(&self, marks: &Marks) -> Marks {
        Marks {
            remark_name: self.remark_name.clone().unwrap_or_else(|| marks.remark_name.clone()),
            tags: self.tags.clone().unwrap_or_else(|| marks.tags.clone()),
            starred: self.starred.unwrap_or(marks.starred),
        }
    }
}

impl VisitorNotes {
    /// Changes what is noted about a visitor, and returns the visitor. `None` where nothing is stored of them, or they are being erased.
    pub async fn mark(&self, thread: &Thread, change: &MarksChange) -> Result<Option<Visitor>> {
        let table = &self.0;
        let attempt = |_| async move {
            let Some(seen) = self.noted_visitor(thread).await? else { return Ok(Attempted::Done(None)) };
            let marked = Visitor { marks: change.apply(&seen.marks), ..seen.clone() };
            if marked == seen {
                return Ok(Attempted::Done(Some(seen)));
            }
            let put = table.visitor_put(thread, &seen, &marked)?;
            Ok(match table.transact_once(vec![put]).await? {
                Transacted::Written => Attempted::Done(Some(marked.once_written())),
                Transacted::ConditionFailed(_) | Transacted::InConflict(_) => Attempted::Conflict,
            })
        };
        table.backoff().retry_on_conflict(ATTEMPTS, attempt).await
    }

    /// The visitor, unless nothing is stored of them or they are being erased.
    pub(crate) async fn noted_visitor(&self, thread: &Thread) -> Result<Option<Visitor>> {
        let visitor = self.0.threads().visitor(thread).await?;
        Ok(Some(visitor).filter(|visitor| visitor.is_stored() && visitor.erasing_since.is_none()))
    }
}
