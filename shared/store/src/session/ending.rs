//! How sessions end before their time: one by one, with their agent, and with the token that they were made from.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::{Session, SessionSource};
use crate::{audit::AuditAction, error::Result, handles::Sessions, item::s, keys, table::Table, transaction::built};

/// How many sessions of an owner are read: the limit, and some that concurrent requests may have added to it.
const SESSIONS_READ: i32 = 20;

impl Sessions {
    /// Ends these sessions, each with an entry of the audit log. One that has ended already is no error.
    pub async fn end_sessions(&self, sessions: &[Session]) -> Result<()> {
        let mut writes = Vec::new();
        for session in sessions {
            writes.push(self.0.session_delete(session)?);
            writes.extend(self.0.audit_of_change(AuditAction::SessionRevoked, session.subject(), session.detail())?);
        }
        self.0.write_any(writes).await
    }
}

impl Table {
    /// All sessions of an owner, also those that have ended by time.
    pub(super) async fn all_sessions(&self, owner: &str) -> Result<Vec<Session>> {
        let items = self.partition(keys::sessions(owner), "", SESSIONS_READ).await?;
        items.iter().map(Session::read).collect()
    }

    pub(super) fn session_delete(&self, session: &Session) -> Result<TransactWriteItem> {
        let (pk, sk) = session.key();
        let delete = Delete::builder().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }

    /// Writes these together, if there are any.
    pub(crate) async fn write_any(&self, writes: Vec<TransactWriteItem>) -> Result<()> {
        if writes.is_empty() { Ok(()) } else { self.write_together(writes).await }
    }

    /// The writes that end all sessions of an owner.
    pub(crate) async fn session_end_writes(&self, owner: &str) -> Result<Vec<TransactWriteItem>> {
        self.all_sessions(owner).await?.iter().map(|session| self.session_delete(session)).collect()
    }

    /// The writes that end the sessions that were made from a token.
    pub(crate) async fn token_session_end_writes(&self, owner: &str, token: &str) -> Result<Vec<TransactWriteItem>> {
        let of_token =
            |session: &&Session| matches!(&session.holder.source, SessionSource::Token { id, .. } if id == token);
        self.all_sessions(owner).await?.iter().filter(of_token).map(|session| self.session_delete(session)).collect()
    }
}
