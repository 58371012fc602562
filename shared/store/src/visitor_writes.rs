//! What a decision writes beside the visitor: links to their conversations and to the person they are.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};

use crate::{
    commit::{Part, Writes},
    conversation::Conversation,
    error::Result,
    image_change::HINT,
    item::{Attributes, Build, at, s},
    keys,
    table::Table,
    thread::Thread,
    transaction::built,
    visitor::Visitor,
};

/// The age from which the link of a visitor to a person is written again, so that it does not expire before its visitor.
const PERSON_LINK_RENEWED: SignedDuration = SignedDuration::from_hours(24 * 30);

impl Table {
    /// The write of a visitor. Browsers are told of it if people see another visitor.
    pub(crate) fn visitor_put(&self, thread: &Thread, seen: &Visitor, after: &Visitor) -> Result<TransactWriteItem> {
        let item = after.write(thread, seen.version + 1, self.retention)?;
        let is_told = seen.marks != after.marks || seen.blocked != after.blocked;
        self.visitor_put_if_seen(seen, if is_told { self.told(item) } else { item })
    }

    /// The write of a visitor who stays as they were, and of whose notes browsers are told.
    pub(crate) fn noted_visitor_put(&self, thread: &Thread, seen: &Visitor) -> Result<TransactWriteItem> {
        self.visitor_put_if_seen(seen, self.told(seen.write(thread, seen.version + 1, self.retention)?))
    }

    fn visitor_put_if_seen(&self, seen: &Visitor, item: Attributes) -> Result<TransactWriteItem> {
        self.put_if(item, (seen.version > 0).then_some(seen.version))
    }

    /// The next write leaves the attribute out, because it puts the whole item.
    fn told(&self, mut item: Attributes) -> Attributes {
        item.insert(HINT.to_owned(), at(self.clock.now()));
        item
    }

    /// The item that finds the conversation from its visitor, where a decision opens the conversation or closes it. It expires
    /// with the conversation.
    pub(crate) fn visitor_link(&self, before: Option<&Conversation>, after: &Conversation) -> Option<Attributes> {
        let ttl = after.expires_from().and_then(|closed| self.retention.conversations.ttl(closed));
        let begins_to_expire = ttl.is_some() && before.is_some_and(Conversation::is_open);
        if before.is_some() && !begins_to_expire {
            return None;
        }
        let thread = after.thread();
        let sk = keys::visitor_conversation(after.created_at, &after.cid);
        let link = Build::new(keys::VISITOR_CONVERSATION, thread.pk(), sk);
        Some(link.set("cid", s(&after.cid)).maybe("ttl", ttl).done())
    }

    /// Links a visitor to the person of their verified `partnerid` under its signer, and removes the link to the previous one: a
    /// phone may change its owner, and a binding its signer. A link is written again before it could expire earlier than its visitor.
    pub(crate) fn person_writes(
        &self,
        writes: &mut Writes,
        thread: &Thread,
        seen: &Visitor,
        after: &mut Visitor,
        now: Timestamp,
        may_renew: bool,
    ) -> Result<()> {
        let visitor = keys::person_visitor(&thread.uid());
        let is_other = seen.profile.proved() != after.profile.proved();
        let is_old = after.person_linked_at.is_none_or(|linked| now.duration_since(linked) >= PERSON_LINK_RENEWED);
        if let Some(person) = seen.profile.proved().filter(|_| is_other) {
            let edge = Delete::builder().table_name(&self.name);
            let edge = edge.key("pk", s(keys::person(&person))).key("sk", s(&visitor));
            writes.push((Part::Other, TransactWriteItem::builder().delete(built(edge.build())?).build()));
        }
        let renews = may_renew && is_old && !self.retention.visitors.is_forever();
        if let Some(person) = after.profile.proved().filter(|_| is_other || renews) {
            let ttl = self.retention.visitors.ttl(now.checked_add(PERSON_LINK_RENEWED).unwrap_or(Timestamp::MAX));
            let item = Build::new(keys::PERSON, keys::person(&person), &visitor)
                .set("app_id", s(&thread.app_id))
                .set("openid", s(&thread.openid))
                .maybe("ttl", ttl)
                .done();
            let put = Put::builder().table_name(&self.name).set_item(Some(item));
            writes.push((Part::Other, TransactWriteItem::builder().put(built(put.build())?).build()));
            after.person_linked_at = Some(now);
        } else if is_other {
            after.person_linked_at = None;
        }
        Ok(())
    }
}
