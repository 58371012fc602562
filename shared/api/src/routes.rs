//! The operations of an API, each with its action, which decides who may call it.

use std::{fmt, marker::PhantomData};

use axum::{handler::Handler, http::Method};
use desk::policy::Action;
use utoipa::{
    __dev::SchemaReferences,
    openapi::{
        RefOr,
        path::{Parameter, ParameterIn},
    },
};

use crate::Refusal;

/// The description that `#[utoipa::path]` makes of a handler.
pub trait Describe: utoipa::Path + SchemaReferences {}

impl<D: utoipa::Path + SchemaReferences> Describe for D {}

/// A handler together with its description; [`operation!`](crate::operation) makes one.
#[derive(Debug)]
pub struct Operation<H, D> {
    pub(crate) handler: H,
    description: PhantomData<D>,
}

impl<H, D> Operation<H, D> {
    /// The operation of this handler.
    pub fn new(handler: H) -> Self {
        Self { handler, description: PhantomData }
    }
}

/// The [`Operation`] of a handler with the attribute `#[utoipa::path]`.
#[macro_export]
macro_rules! operation {
    ($handler:ident) => {
        $crate::pastey::paste! { $crate::Operation::<_, [<__path_ $handler>]>::new($handler) }
    };
}

/// A mounted operation: its method, its path with parameters in braces, and what it does.
#[derive(Debug, Clone)]
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path, such as `/api/conversations/{cid}`.
    pub path: String,
    /// What the operation does; the policy decides by it who may call the operation.
    pub action: Action,
    /// Returns the names of the query parameters that its description has. Called for a request with a query only, because the
    /// description takes time to make.
    pub(crate) query_parameters: fn() -> Vec<String>,
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        (&self.method, &self.path, self.action) == (&other.method, &other.path, other.action)
    }
}

impl Eq for Route {}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}

impl Route {
    /// Whether it asks for no token. `template.yaml` gives such a route no authorizer.
    pub fn is_public(&self) -> bool {
        self.action == Action::SignIn
    }

    pub(crate) fn of<D: Describe>(action: Action) -> Self {
        use utoipa::openapi::HttpMethod;
        let method = match D::methods().first() {
            Some(HttpMethod::Post) => Method::POST,
            Some(HttpMethod::Put) => Method::PUT,
            Some(HttpMethod::Patch) => Method::PATCH,
            Some(HttpMethod::Delete) => Method::DELETE,
            _ => Method::GET,
        };
        Self { method, path: D::path(), action, query_parameters: query_parameters::<D> }
    }
}

fn query_parameters<D: Describe>() -> Vec<String> {
    let parameters = D::operation().parameters.unwrap_or_default();
    let name = |parameter| match parameter {
        RefOr::T(Parameter { name, parameter_in: ParameterIn::Query, .. }) => Some(name),
        _ => None,
    };
    parameters.into_iter().filter_map(name).collect()
}

/// Takes the operations of an API, to route them ([`ApiRouter`](crate::ApiRouter)) or to describe them
/// ([`Document`](crate::Document)). The state of the handlers is `S`.
pub trait Routes<S>: Sized {
    /// Mounts an operation. `refusals` are the statuses and codes that it may refuse with, beside those that follow from
    /// its form.
    fn mount<H, T, D>(&mut self, action: Action, operation: Operation<H, D>, refusals: &[Refusal])
    where
        H: Handler<T, S>,
        T: 'static,
        D: Describe;

    /// Begins to mount operations that do this.
    fn allow(&mut self, action: Action) -> Allowed<'_, Self> {
        Allowed { routes: self, action }
    }
}

/// Mounts operations with one [`Action`].
#[derive(Debug)]
pub struct Allowed<'a, R> {
    routes: &'a mut R,
    action: Action,
}

impl<R> Allowed<'_, R> {
    /// Goes on with operations that do this.
    #[must_use]
    pub fn allow(self, action: Action) -> Self {
        Self { action, ..self }
    }

    /// Mounts an operation that has no codes of its own.
    #[must_use]
    pub fn route<S, H, T, D>(self, operation: Operation<H, D>) -> Self
    where
        R: Routes<S>,
        H: Handler<T, S>,
        T: 'static,
        D: Describe,
    {
        self.route_refusing(operation, &[])
    }

    /// Mounts an operation that may refuse with these statuses and codes.
    #[must_use]
    pub fn route_refusing<S, H, T, D>(self, operation: Operation<H, D>, refusals: &[Refusal]) -> Self
    where
        R: Routes<S>,
        H: Handler<T, S>,
        T: 'static,
        D: Describe,
    {
        self.routes.mount(self.action, operation, refusals);
        self
    }
}
