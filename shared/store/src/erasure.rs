//! The erasure of a visitor: everything that is stored of one visitor of one mini program is deleted.
//!
//! An item says that the erasure runs, so that it goes on wherever it stopped, and the visitor is marked
//! ([`Visitor::erasing_since`](crate::Visitor)): what they write from then on is stored and waits. Each page of the thread names
//! conversations, pictures and idempotent requests. These are deleted before the page, so that nothing loses its name before
//! it is deleted. The visitor comes last, together with the link to the person and the item itself.
//!
//! Nothing that is deleted comes back: every write of an item of a thread or a conversation has a condition on it, or is in one
//! transaction with a write of the visitor or the conversation that has.

use std::{collections::BTreeSet, sync::Arc};

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    audit::{AuditAction, AuditActor, AuditDetail, AuditSubject, AuditSubjectKind, NewAudit},
    conversation::Conversation,
    error::{Result, StoreError},
    handles::{DueChecks, Erasures},
    item::{Attributes, Build, Read, s},
    keys, picture,
    table::{SERVICE, Table},
    thread::Thread,
    transaction::built,
    visitor::Visitor,
};

/// How long an erasure is left to the request that began it, before the minute tick goes on with it.
const REQUEST_TIME: SignedDuration = SignedDuration::from_secs(30);

/// Items of a page. With what each may name, they are one transaction of 100 writes at most (API reference,
/// `TransactWriteItems`).
const PAGE: i32 = 25;

/// Events that are deleted in one transaction.
const EVENTS_AT_ONCE: i32 = 50;

/// A running erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The visitor's thread.
    #[serde(flatten)]
    pub thread: Thread,
    /// When it began. Messages that came later are not deleted.
    pub begun_at: Timestamp,
    /// Who began it.
    pub actor: AuditActor,
}

/// A page of a thread that is erased.
#[derive(Debug)]
pub struct ErasurePage {
    /// The conversations that its items name. They are erased first.
    pub cids: BTreeSet<String>,
    /// The items to delete, and the idempotent requests and pictures that they name.
    keys: BTreeSet<(String, String)>,
    /// The objects of the pictures that its items name.
    pictures: BTreeSet<String>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

impl DueChecks {
    /// The erasures that the minute tick goes on with.
    pub fn erasures(&self) -> Erasures {
        self.0.erasures()
    }
}

impl Erasures {
    /// The running erasure of a visitor.
    pub async fn erasure(&self, thread: &Thread) -> Result<Option<Erasure>> {
        let item = self.0.get(keys::erasure(&thread.uid()), keys::ERASURE, true).await?;
        item.as_ref().map(Erasure::read).transpose()
    }

    /// Begins the erasure of a visitor who is still as they were read, and marks them. [`StoreError::Conflict`] when they are
    /// not, or when another request has begun.
    pub async fn begin(&self, thread: &Thread, seen: &Visitor, actor: &Arc<AuditActor>) -> Result<Erasure> {
        let begun_at = self.0.clock.now();
        let erasure = Erasure { thread: thread.clone(), begun_at, actor: (**actor).clone() };
        let marked = Visitor { erasing_since: Some(begun_at), ..seen.clone() };
        let pk = keys::erasure(&thread.uid());
        let item = Build::new(keys::ERASURE, pk.clone(), keys::ERASURE)
            .set("due_pk", s(keys::due(&pk)))
            .set("due_sk", s(keys::instant(begun_at + REQUEST_TIME)))
            .data(&erasure)?;
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item.done()));
        let put = built(put.condition_expression("attribute_not_exists(pk)").build())?;
        let writes = vec![
            TransactWriteItem::builder().put(put).build(),
            self.0.visitor_put(thread, seen, &marked)?,
            self.0.audit_write(&erasure.audit(AuditAction::VisitorErasureBegun))?,
        ];
        self.0.write_together(writes).await?;
        Ok(erasure)
    }

    /// The next page of the thread after a position, or its first.
    pub async fn page(&self, erasure: &Erasure, after: Option<&str>) -> Result<ErasurePage> {
        let pk = erasure.thread.pk();
        let mut query = self.0.between(&pk, " ", &format!("{}~", keys::MESSAGE_PREFIX)).limit(PAGE);
        if let Some(after) = after {
            query = query.exclusive_start_key("pk", s(&pk)).exclusive_start_key("sk", s(after));
        }
        let answer = query.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        let next = answer.last_evaluated_key.as_ref().and_then(|last| last.get("sk")).and_then(|sk| sk.as_s().ok());
        let (keys, pictures) = (BTreeSet::new(), BTreeSet::new());
        let mut page = ErasurePage { cids: BTreeSet::new(), keys, pictures, next: next.cloned() };
        for item in answer.items() {
            let read = Read { kind: "item of a thread", item };
            if read.opt_at("received_at")?.is_some_and(|received| received > erasure.begun_at) {
                continue;
            }
            let sk = read.owned("sk")?;
            page.pictures.extend(picture(&erasure.thread, &read, &sk)?);
            page.keys.insert((pk.clone(), sk));
            page.cids.extend(read.opt_owned("cid")?);
            page.keys
                .extend(read.opt_s("idempotency")?.map(|hash| (keys::idempotency(hash), keys::IDEMPOTENCY.to_owned())));
            if let Some(media_id) = uploaded_image(&read)? {
                page.keys.extend(self.0.media_keys(&erasure.thread.app_id, &media_id).await?);
            }
        }
        Ok(page)
    }

    /// Deletes a conversation that is closed, and its events. [`StoreError::Conflict`] when it was changed since it was read.
    pub async fn erase_conversation(&self, cid: &str, seen: Option<&Conversation>) -> Result<()> {
        let pk = keys::conversation(cid);
        // The conversation first: events are only written together with it.
        if let Some(seen) = seen {
            let delete = self.0.delete_of(&pk, keys::CONVERSATION).condition_expression("version = :seen");
            let delete = delete.expression_attribute_values(":seen", crate::item::n(seen.version));
            self.0.write_together(vec![TransactWriteItem::builder().delete(built(delete.build())?).build()]).await?;
        }
        loop {
            let events = self.0.partition(pk.clone(), keys::EVENT_PREFIX, EVENTS_AT_ONCE).await?;
            if events.is_empty() {
                return Ok(());
            }
            let key = |item: &Attributes| Ok((pk.clone(), Read { kind: keys::EVENT, item }.owned("sk")?));
            self.0.delete_together(events.iter().map(key).collect::<Result<_>>()?).await?;
        }
    }

    /// Deletes a page, whose conversations are erased, after the pictures that it names.
    pub async fn erase_page(&self, page: ErasurePage) -> Result<()> {
        for picture in &page.pictures {
            self.0.objects()?.delete(picture).await?;
        }
        if page.keys.is_empty() { Ok(()) } else { self.0.delete_together(page.keys).await }
    }

    /// Ends an erasure when all pages are deleted: deletes the visitor, their link to a person, and the item of the erasure.
    /// [`StoreError::Conflict`] when the visitor is not as they were read, or the erasure has ended.
    pub async fn end(&self, erasure: &Erasure, seen: &Visitor) -> Result<()> {
        let (thread, uid) = (&erasure.thread, erasure.thread.uid());
        let job = self.0.delete_of(&keys::erasure(&uid), keys::ERASURE).condition_expression("attribute_exists(pk)");
        let mut deletes = vec![job];
        if seen.is_stored() {
            let visitor = self.0.delete_of(&thread.pk(), keys::VISITOR).condition_expression("version = :seen");
            deletes.push(visitor.expression_attribute_values(":seen", crate::item::n(seen.version)));
        }
        if let Some(person) = seen.profile.proved() {
            deletes.push(self.0.delete_of(&keys::person(&person), &keys::person_visitor(&uid)));
        }
        let deletes =
            deletes.into_iter().map(|delete| Ok(TransactWriteItem::builder().delete(built(delete.build())?).build()));
        let mut writes = deletes.collect::<Result<Vec<_>>>()?;
        writes.push(self.0.audit_write(&erasure.audit(AuditAction::VisitorErased))?);
        self.0.write_together(writes).await
    }
}

impl Erasure {
    pub(crate) fn read(item: &Attributes) -> Result<Self> {
        Read { kind: keys::ERASURE, item }.data()
    }

    /// The entry of the audit log. It names the visitor by their uid, and never has the openid.
    fn audit(&self, action: AuditAction) -> NewAudit {
        NewAudit {
            actor: Arc::new(self.actor.clone()),
            action,
            subject: AuditSubject::new(AuditSubjectKind::Visitor, self.thread.uid()),
            app_id: Some(self.thread.app_id.clone()),
            detail: AuditDetail::default(),
        }
    }
}

/// The object of the picture that an item of a thread names.
fn picture(thread: &Thread, read: &Read<'_>, sk: &str) -> Result<Option<String>> {
    Ok(match read.opt_s("kind")? {
        Some(keys::UPLOAD) => Some(thread.picture_of_media(read.s("media_id")?)),
        Some("inbound") if read.opt_n::<u64>(picture::SIZE)?.is_some() => {
            sk.strip_prefix(keys::MESSAGE_PREFIX).map(|id| thread.picture_of_message(id))
        }
        _ => None,
    })
}

/// The media id of an image that was sent or uploaded. A card's cover is shared with other visitors.
fn uploaded_image(read: &Read<'_>) -> Result<Option<String>> {
    if read.opt_s("kind")? == Some(keys::UPLOAD) {
        return read.opt_owned("media_id");
    }
    if read.opt_s("kind")? != Some("outbound") || read.opt_s("type")? != Some("image") {
        return Ok(None);
    }
    let content: Option<Value> = read.opt_json("content")?;
    Ok(content.and_then(|content| content.get("media_id")?.as_str().map(ToOwned::to_owned)))
}

impl Table {
    /// The keys of an upload: by media id, and by content if the content is known.
    async fn media_keys(&self, app_id: &str, media_id: &str) -> Result<Vec<(String, String)>> {
        let (pk, sk) = (keys::media(app_id), keys::media_id(media_id));
        let Some(item) = self.get(pk.clone(), &sk, true).await? else { return Ok(Vec::new()) };
        let hash = Read { kind: "media", item: &item }.opt_owned("hash")?;
        let by_content = hash.map(|hash| (pk.clone(), keys::media_content(&hash)));
        Ok([(pk, sk)].into_iter().chain(by_content).collect())
    }

    async fn delete_together(&self, keys: BTreeSet<(String, String)>) -> Result<()> {
        let delete = |(pk, sk): (String, String)| {
            Ok(TransactWriteItem::builder().delete(built(self.delete_of(&pk, &sk).build())?).build())
        };
        self.write_together(keys.into_iter().map(delete).collect::<Result<_>>()?).await
    }

    fn delete_of(&self, pk: &str, sk: &str) -> aws_sdk_dynamodb::types::builders::DeleteBuilder {
        Delete::builder().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk))
    }
}
