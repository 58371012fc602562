//! The audit log: who did what. An entry is written in the transaction of the change that it is about, so that there is no change
//! without its entry, and is never changed.
//!
//! A month of entries is spread over [`keys::AUDIT_SHARDS`] partitions, which a page merges. Details name the fields that have
//! changed and never have their values.

mod entry;
mod log;
mod resource;

use std::sync::Arc;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

pub(crate) use self::resource::ResourceChange;
pub use self::{
    entry::{AuditAction, AuditActor, AuditDetail, AuditEntry, AuditSubject, AuditSubjectKind, NewAudit},
    log::AuditFilter,
};
use crate::{
    error::Result,
    handles::{ApiTokenWriter, BindingWriter, Frames, Sessions, SettingsWriter},
    item::{Attributes, Build},
    keys,
    table::Table,
    transaction::built,
};

/// Handles whose changes are entered into the log where a person makes them.
macro_rules! audited {
    ($($handle:ident),+) => {
        $(
            impl $handle {
                /// The same handle for a person: each change is entered into the audit log, in its transaction.
                #[must_use]
                pub fn by(&self, actor: &Arc<AuditActor>) -> Self {
                    Self(self.0.acting(Arc::clone(actor)))
                }
            }
        )+
    };
}

audited!(SettingsWriter, BindingWriter, ApiTokenWriter, Sessions, Frames);

impl Table {
    /// The write of the entry about a change, if a person makes it; see [`SettingsWriter::by`].
    pub(crate) fn audit_of_change(
        &self,
        action: AuditAction,
        subject: AuditSubject,
        detail: AuditDetail,
    ) -> Result<Option<TransactWriteItem>> {
        let Some(actor) = &self.actor else { return Ok(None) };
        let new = NewAudit { actor: Arc::clone(actor), action, app_id: subject.app_id(), subject, detail };
        self.audit_write(&new).map(Some)
    }

    /// The write of an entry. Its condition holds, since the id is a fresh one.
    pub(crate) fn audit_write(&self, new: &NewAudit) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.name).set_item(Some(self.audit_item(new)?));
        let put = put.condition_expression("attribute_not_exists(pk)");
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    fn audit_item(&self, new: &NewAudit) -> Result<Attributes> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let at = self.clock.now();
        let (pk, sk) = (keys::audit(at, &id), keys::audit_entry(at, &id));
        let entry = AuditEntry {
            id,
            at,
            actor: (*new.actor).clone(),
            action: new.action,
            subject: new.subject.clone(),
            app_id: new.app_id.clone(),
            detail: new.detail.clone(),
        };
        let item = Build::new(keys::AUDIT, pk, sk).maybe("ttl", self.retention.audit.ttl(at));
        Ok(item.data(&entry)?.done())
    }
}
