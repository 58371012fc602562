//! The OpenAPI description of an API.

use std::collections::BTreeMap;

use axum::handler::Handler;
use desk::policy::Action;
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, Info, OpenApi, OpenApiBuilder, Paths, RefOr, ResponseBuilder, Schema,
        path::{Operation as DescribedOperation, ParameterIn},
        schema::{AllOfBuilder, ObjectBuilder, Ref, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{Code, Describe, Operation, Problem, Refusal, Route, Routes};

/// The media type of a refusal.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Describes the operations of an API. Each refusal is described under its status with the codes that it may have.
pub struct Document {
    paths: Paths,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

impl Default for Document {
    fn default() -> Self {
        let mut document = Self { paths: Paths::new(), schemas: BTreeMap::new() };
        document.add_schema::<Problem>();
        document
    }
}

impl Document {
    /// Adds a schema and those that it refers to.
    pub fn add_schema<T: ToSchema>(&mut self) {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        self.schemas.extend(schemas);
    }

    /// The description, with the bearer token as the security of every operation.
    pub fn finish(self, info: Info) -> OpenApi {
        let mut api = OpenApiBuilder::new().info(info).paths(self.paths).build();
        let components = api.components.get_or_insert_default();
        components.schemas = self.schemas.into_iter().collect();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An access token: `POST /api/access-tokens` creates one."))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        api.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
        api
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for Document {
    fn mount<H, T, D>(&mut self, action: Action, _operation: Operation<H, D>, refusals: &[Refusal])
    where
        H: Handler<T, S>,
        T: 'static,
        D: Describe,
    {
        let mut operation = D::operation();
        for (status, codes) in refusals_of(&operation, &Route::of::<D>(action), refusals) {
            operation.responses.responses.insert(status.to_string(), refusal(&codes));
        }
        let mut schemas = Vec::new();
        D::schemas(&mut schemas);
        self.schemas.extend(schemas);
        self.paths.add_path_operation(D::path(), D::methods(), operation);
    }
}

/// The codes of an operation by status: its own, and those that follow from its form.
fn refusals_of(operation: &DescribedOperation, route: &Route, own: &[Refusal]) -> BTreeMap<u16, Vec<Code>> {
    let is_in = |place: ParameterIn| {
        operation
            .parameters
            .iter()
            .flatten()
            .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == place))
    };
    let has_body = operation.request_body.is_some();
    let mut all = vec![(401, Code::Unauthorized), (500, Code::Internal), (503, Code::Unavailable)];
    let general = [
        (true, (403, Code::Forbidden)),
        (is_in(ParameterIn::Path), (404, Code::NotFound)),
        (has_body, (400, Code::Malformed)),
        (has_body, (413, Code::TooLarge)),
        (has_body || is_in(ParameterIn::Query) || is_in(ParameterIn::Header), (422, Code::Invalid)),
        (route.method != axum::http::Method::GET, (409, Code::Conflict)),
    ];
    all.extend(general.into_iter().filter(|(applies, _)| *applies).map(|(_, refusal)| refusal));
    all.extend(own);
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for (status, code) in all {
        by_status.entry(status).or_default().push(code);
    }
    for codes in by_status.values_mut() {
        codes.sort();
        codes.dedup();
    }
    by_status
}

fn refusal(codes: &[Code]) -> RefOr<utoipa::openapi::Response> {
    let description = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.as_str(), code.description()))
        .collect::<Vec<_>>()
        .join("\n\n");
    let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes.iter().map(|code| code.as_str())));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name(Problem::name()))
        .item(ObjectBuilder::new().schema_type(Type::Object).property("code", code));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build().into()
}
