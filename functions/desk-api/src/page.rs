//! `cursor` and `limit` of a list.

use function::http::{FieldError, Problem};
use lambda_http::{Request, RequestExt, aws_lambda_events::query_map::QueryMap};

const DEFAULT: i32 = 50;
const MAX: i32 = 100;

/// Which page a request asks for.
pub(crate) struct Wanted {
    parameters: QueryMap,
    pub(crate) limit: i32,
}

impl Wanted {
    pub(crate) fn of(request: &Request) -> Result<Self, Problem> {
        let parameters = request.query_string_parameters();
        let limit = match parameters.first("limit") {
            None => DEFAULT,
            Some(text) => text.parse().ok().filter(|limit| (1..=MAX).contains(limit)).ok_or_else(|| {
                Problem::invalid(vec![FieldError::new("limit", format!("must be a number from 1 to {MAX}"))])
            })?,
        };
        Ok(Self { parameters, limit })
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.parameter("cursor")
    }

    /// Another parameter of the list.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.first(name).filter(|value| !value.is_empty())
    }
}
