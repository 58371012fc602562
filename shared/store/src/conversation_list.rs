//! The list of all conversations, by the time they were opened.
//!
//! A partition of an index takes 1000 writes a second (DynamoDB, "Partitions and data distribution"), and each new conversation is
//! one. So the list is spread over [`keys::CONVERSATION_LIST_SHARDS`] partitions, which a page merges.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;

use crate::{
    conversation::Conversation,
    error::{Result, StoreError},
    handles::Lists,
    item::{Attributes, s},
    keys,
    table::{Page, SERVICE, Table},
};

/// An entry of the list.
struct Listed {
    /// The time opened and the conversation's id.
    opened: String,
    pk: String,
    sk: String,
}

impl Lists {
    /// Conversations, the newest first.
    pub async fn conversations(&self, cursor: Option<&str>, limit: i32) -> Result<Page<Conversation>> {
        let before = cursor.map(position).transpose()?;
        let shards = keys::conversation_lists();
        let pages = try_join_all(shards.map(|list| self.0.listed_before(list, before.as_deref(), limit))).await?;
        let has_more = pages.iter().any(|(_, has_more)| *has_more);
        let mut listed: Vec<Listed> = pages.into_iter().flat_map(|(listed, _)| listed).collect();
        listed.sort_by(|one, other| other.opened.cmp(&one.opened));
        let limit = usize::try_from(limit).unwrap_or_default();
        let has_more = has_more || listed.len() > limit;
        listed.truncate(limit);
        let cursor = listed.last().filter(|_| has_more).map(|last| keys::cursor(&last.opened));
        let found: Vec<_> = listed.into_iter().map(|listed| (listed.pk, listed.sk)).collect();
        let items = self.0.get_all(&found).await?.iter().map(Conversation::read).collect::<Result<_>>()?;
        Ok(Page { items, cursor })
    }
}

/// The position that a cursor stands for. Cursors of earlier versions contain the whole key of the index.
fn position(cursor: &str) -> Result<String> {
    let text = keys::from_cursor(cursor)?;
    let opened = match text.split('\n').collect::<Vec<_>>()[..] {
        [opened] => opened,
        [pk, sk, opened] if !pk.is_empty() && !sk.is_empty() => opened,
        _ => return Err(StoreError::Cursor),
    };
    let is_opened = opened
        .split_once('#')
        .is_some_and(|(at, cid)| at.len() == 13 && at.bytes().all(|digit| digit.is_ascii_digit()) && !cid.is_empty());
    if is_opened { Ok(opened.to_owned()) } else { Err(StoreError::Cursor) }
}

impl Table {
    /// The entries of one partition that were opened before a position, the newest first, and whether there are more.
    async fn listed_before(&self, list: String, before: Option<&str>, limit: i32) -> Result<(Vec<Listed>, bool)> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name("lists")
            .key_condition_expression("lists_pk = :list AND lists_sk < :before")
            .expression_attribute_values(":list", s(list))
            .expression_attribute_values(":before", s(before.unwrap_or("~")))
            .scan_index_forward(false)
            .limit(limit)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        let has_more = answer.last_evaluated_key.is_some();
        Ok((answer.items.unwrap_or_default().into_iter().filter_map(listed).collect(), has_more))
    }
}

fn listed(mut item: Attributes) -> Option<Listed> {
    let mut text = |name: &str| match item.remove(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    };
    Some(Listed { opened: text("lists_sk")?, pk: text("pk")?, sk: text("sk")? })
}
