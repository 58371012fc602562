//! Pages of the items of a partition.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use super::{Page, SERVICE, Table};
use crate::{
    error::{Result, StoreError},
    item::{Attributes, s},
    keys,
};

impl Table {
    /// A page of the items of a partition whose sort key begins with `prefix`; the cursor is the rest of the last sort key.
    pub(crate) async fn page(
        &self,
        pk: String,
        prefix: &str,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<Attributes>> {
        self.page_after(pk, prefix, start_of(prefix, cursor)?, limit).await
    }

    /// The same after a sort key, which need not exist.
    pub(crate) async fn page_after(
        &self,
        pk: String,
        prefix: &str,
        start: Option<String>,
        limit: i32,
    ) -> Result<Page<Attributes>> {
        page_of(self.beginning_with(&pk, prefix), &pk, prefix, start, limit).await
    }

    /// The same as [`page`](Self::page), from the end of the partition.
    pub(crate) async fn page_from_the_end(
        &self,
        pk: String,
        prefix: &str,
        cursor: Option<&str>,
        limit: i32,
    ) -> Result<Page<Attributes>> {
        let start = start_of(prefix, cursor)?;
        page_of(self.beginning_with(&pk, prefix).scan_index_forward(false), &pk, prefix, start, limit).await
    }
}

/// The sort key behind which a page begins.
fn start_of(prefix: &str, cursor: Option<&str>) -> Result<Option<String>> {
    let last = cursor.map(keys::from_cursor).transpose()?;
    // DynamoDB refuses a start key outside of what the query asks for.
    if last.as_deref().is_some_and(|last| !(" ".."~").contains(&last)) {
        return Err(StoreError::Cursor);
    }
    Ok(last.map(|last| format!("{prefix}{last}")))
}

/// A page of what a query of this partition finds, in the query's order.
async fn page_of(
    query: QueryFluentBuilder,
    pk: &str,
    prefix: &str,
    start: Option<String>,
    limit: i32,
) -> Result<Page<Attributes>> {
    let mut query = query.limit(limit);
    if let Some(start) = start {
        query = query.exclusive_start_key("pk", s(pk)).exclusive_start_key("sk", s(start));
    }
    let answer = query.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
    let next = answer.last_evaluated_key.as_ref().and_then(|last| last.get("sk")).and_then(|sk| sk.as_s().ok());
    let cursor = next.and_then(|sk| sk.strip_prefix(prefix)).map(keys::cursor);
    Ok(Page { items: answer.items.unwrap_or_default(), cursor })
}
