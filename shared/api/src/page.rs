//! Lists, page by page.

use std::borrow::Cow;

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type, schema::SchemaType},
};

use crate::{Problem, Query, non_empty};

const DEFAULT_LIMIT: i32 = 50;
const MAX_LIMIT: i32 = 100;

#[derive(Deserialize)]
struct Parameters {
    #[serde(default, deserialize_with = "non_empty")]
    cursor: Option<String>,
    limit: Option<String>,
}

/// The page of a list that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageRequest {
    /// The `cursor` of the page before; without it the list begins.
    #[param(required = false, nullable = false)]
    pub cursor: Option<String>,
    /// The largest number of items of the page.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    pub limit: i32,
}

impl PageRequest {
    /// The cursor as the store takes it.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(Parameters { cursor, limit }) = Query::from_request_parts(parts, state).await?;
        let limit =
            match limit {
                None => DEFAULT_LIMIT,
                Some(text) => text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                    Problem::invalid_field("limit", format!("must be a number from 1 to {MAX_LIMIT}"))
                })?,
            };
        Ok(Self { cursor, limit })
    }
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct PageOf<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Asks for the next page; null on the last.
    pub cursor: Option<String>,
}

impl<T> From<store::Page<T>> for PageOf<T> {
    fn from(page: store::Page<T>) -> Self {
        Self { items: page.items, cursor: page.cursor }
    }
}

impl<T: ToSchema> PartialSchema for PageOf<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Asks for the next page; null on the last."));
        ObjectBuilder::new()
            .property("items", items)
            .required("items")
            .property("cursor", cursor)
            .required("cursor")
            .into()
    }
}

impl<T: ToSchema> ToSchema for PageOf<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}
