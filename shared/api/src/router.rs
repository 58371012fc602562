//! The router of an API.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{MatchedPath, Request},
    handler::Handler,
    http::{HeaderValue, Method, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};

use desk::policy::Action;

use crate::{Code, Describe, Operation, Problem, Refusal, Route, Routes, permission::guard};

/// Routes the operations of an API. Every refusal, also of an unknown path or method, is a [`Problem`].
#[derive(Debug)]
pub struct ApiRouter<S> {
    router: Router<S>,
    routes: Vec<Route>,
}

impl<S: Clone + Send + Sync + 'static> Default for ApiRouter<S> {
    fn default() -> Self {
        Self { router: Router::new(), routes: Vec::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> ApiRouter<S> {
    /// The mounted operations.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The router, with this state for the handlers.
    pub fn with_state(self, state: S) -> Router {
        let mut methods: BTreeMap<String, Vec<Method>> = BTreeMap::new();
        for route in self.routes {
            methods.entry(route.path).or_default().push(route.method);
        }
        let methods = Arc::new(methods);
        let method_not_allowed = async move |path: MatchedPath| method_not_allowed(&methods, path.as_str());
        self.router
            .fallback(async || Problem::not_found("resource"))
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(state)
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for ApiRouter<S> {
    fn mount<H, T, D>(&mut self, action: Action, operation: Operation<H, D>, _refusals: &[Refusal])
    where
        H: Handler<T, S>,
        T: 'static,
        D: Describe,
    {
        let route = Route::of::<D>(action);
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let guarding = Arc::new(route.clone());
        let guarded = on(filter, operation.handler).route_layer(from_fn(move |request: Request, next: Next| {
            let route = Arc::clone(&guarding);
            async move { guard(&route, request, next).await }
        }));
        let router = std::mem::take(&mut self.router);
        self.router = router.route(&route.path, guarded);
        self.routes.push(route);
    }
}

fn method_not_allowed(methods: &BTreeMap<String, Vec<Method>>, path: &str) -> Response {
    let allowed = methods.get(path).into_iter().flatten().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let problem = Problem::new(405, Code::MethodNotAllowed, format!("This resource takes {allowed}."));
    let mut response = problem.into_response();
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
