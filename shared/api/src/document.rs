//! The OpenAPI description of an API.

use std::collections::BTreeMap;

use axum::handler::Handler;
use desk::policy::Action;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, HeaderBuilder, Info, OpenApiBuilder, Paths, RefOr, Response, ResponseBuilder, Schema, Server,
        Tag,
        path::{Operation as DescribedOperation, ParameterIn},
        schema::{AllOfBuilder, ObjectBuilder, Ref, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{Code, Describe, Operation, Problem, Refusal, Route, Routes};

/// The media type of a refusal.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The statuses that API Gateway answers with by itself: 401 without an `Authorization` header, 403 where the authorizer
/// refuses the token, 413 above 10 MB, 500 and 503 where the function fails or takes too long (API Gateway developer guide,
/// "Customize HTTP API gateway responses" and "Quotas for HTTP APIs").
const STATUSES_OF_GATEWAY: [u16; 5] = [401, 403, 413, 500, 503];

/// An answer of API Gateway itself, when the request did not reach the function or the function did not answer.
#[derive(ToSchema)]
#[schema(example = json!({ "message": "Forbidden" }))]
#[allow(dead_code, reason = "describes what API Gateway answers")]
struct GatewayMessage {
    /// What is wrong, in words.
    message: String,
}

/// Describes the operations of an API. Each refusal is described under its status with the codes that it may have.
pub struct Document {
    paths: Paths,
    schemas: BTreeMap<String, RefOr<Schema>>,
    responses: BTreeMap<String, RefOr<Response>>,
}

impl Default for Document {
    fn default() -> Self {
        let mut document = Self { paths: Paths::new(), schemas: BTreeMap::new(), responses: BTreeMap::new() };
        document.add_schema::<Problem>();
        document.add_schema::<GatewayMessage>();
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

    /// The description in JSON, with the bearer token as the security of every operation.
    pub fn finish(self, info: Info, tags: Vec<Tag>) -> serde_json::Result<Value> {
        let mut api = OpenApiBuilder::new().info(info).paths(self.paths).build();
        let components = api.components.get_or_insert_default();
        components.schemas = self.schemas.into_iter().collect();
        components.responses = self.responses.into_iter().collect();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An access token, which `POST /api/access-tokens` creates, or the token of a session, which `POST /api/sign-in` gives for a code. A request without the header is answered with 401, one whose token is not valid with 403; both by API Gateway, with `message` alone."))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        api.servers = Some(vec![Server::new("/")]);
        api.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
        api.tags = Some(tags);
        let mut value = serde_json::to_value(&api)?;
        unwrap_descriptions(&mut value);
        Ok(value)
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
            let response = match codes.as_slice() {
                // A refusal with one code is the same for every operation.
                [code] => {
                    let name = format!("{code:?}");
                    self.responses.entry(name.clone()).or_insert_with(|| refusal(status, &codes));
                    Ref::from_response_name(name).into()
                }
                _ => refusal(status, &codes),
            };
            operation.responses.responses.insert(status.to_string(), response);
        }
        let mut schemas = Vec::new();
        D::schemas(&mut schemas);
        self.schemas.extend(schemas);
        self.paths.add_path_operation(D::path(), D::methods(), operation);
    }
}

/// Joins the lines of each paragraph in the descriptions: they are wrapped as comments of the source are.
fn unwrap_descriptions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" => {
                        let paragraphs = text.split("\n\n").map(unwrapped);
                        *text = paragraphs.collect::<Vec<_>>().join("\n\n");
                    }
                    _ => unwrap_descriptions(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_descriptions),
        _ => {}
    }
}

/// A paragraph in one line; a list keeps its lines.
fn unwrapped(paragraph: &str) -> String {
    if paragraph.starts_with("- ") { paragraph.to_owned() } else { paragraph.replace('\n', " ") }
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
    // 422: every operation refuses query parameters that it does not have.
    let mut all = vec![(422, Code::Invalid), (500, Code::Internal), (503, Code::Unavailable)];
    let asks_for_token = !route.is_public();
    let general = [
        (asks_for_token, (401, Code::Unauthorized)),
        (asks_for_token, (403, Code::Forbidden)),
        (is_in(ParameterIn::Path), (404, Code::NotFound)),
        (has_body, (400, Code::Malformed)),
        (has_body, (413, Code::TooLarge)),
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

/// How many codes the description of a response explains. Beyond that it refers to the schema of the codes, which explains
/// each of them.
const EXPLAINED_CODES: usize = 6;

fn refusal(status: u16, codes: &[Code]) -> RefOr<Response> {
    let explained = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.description()));
    let description = if codes.len() <= EXPLAINED_CODES {
        explained.collect::<Vec<_>>().join("\n\n")
    } else {
        "Refused; `ProblemCode` explains the codes.".to_owned()
    };
    let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes.iter().map(|code| code.as_str())));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name(Problem::name()))
        .item(ObjectBuilder::new().schema_type(Type::Object).property("code", code));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let mut response = ResponseBuilder::new().description(description).content(PROBLEM_JSON, content);
    if STATUSES_OF_GATEWAY.contains(&status) {
        let message = ContentBuilder::new().schema(Some(Ref::from_schema_name(GatewayMessage::name()))).build();
        response = response.content("application/json", message);
    }
    if status == 503 {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        let wait = "The number of seconds to wait before the next attempt. API Gateway's own answers do not have it.";
        response =
            response.header("Retry-After", HeaderBuilder::new().schema(Some(seconds)).description(Some(wait)).build());
    }
    response.build().into()
}
