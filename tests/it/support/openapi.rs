//! Validates answers of the API, and requests that it accepted, against its OpenAPI description.
//!
//! Two rules are stricter than the description: an object of an answer has no property beside those that its schema
//! names, and the code of a refusal is one of those that the operation describes for the status.

mod closed;

use std::collections::HashMap;
use std::sync::LazyLock;

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use reqwest::Method;
use serde_json::{Map, Value};

use super::Answer;

/// The address of the description for the validator.
const DESCRIPTION: &str = "https://kefu.example/openapi.json";
/// The address of the description whose objects have no further properties.
const CLOSED: &str = "https://kefu.example/closed.json";

static API: LazyLock<Description> =
    LazyLock::new(|| Description::new(serde_json::from_str(desk_api::OPENAPI).unwrap()));

/// In what the answer to a request, or the body of a request that was accepted, is not as described. `path` is without the
/// query; `sent` is the body of the request.
pub(super) fn faults(method: &Method, path: &str, sent: Option<&[u8]>, answer: &Answer) -> Vec<String> {
    API.faults(method, path, sent, answer)
}

/// The description and its compiled schemas.
struct Description {
    document: Value,
    schemas: Schemas,
    /// The schemas by operation, status and media type; those of requests by operation and [`REQUEST`].
    indexes: HashMap<(String, String, String), SchemaIndex>,
    problem: SchemaIndex,
    gateway_message: SchemaIndex,
}

/// Stands for the status in the key of a request.
const REQUEST: &str = "request";

/// An operation of the description.
struct Operation<'a> {
    id: &'a str,
    description: &'a Value,
    is_head: bool,
}

impl Description {
    fn new(document: Value) -> Self {
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        compiler.add_resource(DESCRIPTION, document.clone()).unwrap();
        compiler.add_resource(CLOSED, closed::closed(&document)).unwrap();
        let mut schemas = Schemas::new();
        let mut indexes = HashMap::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let at = format!("#/paths/{}/{method}", escaped(path));
                for (key, location) in schemas_of(&document, operation, &at) {
                    indexes.insert(key, compiler.compile(&location, &mut schemas).unwrap());
                }
            }
        }
        let mut component =
            |name: &str| compiler.compile(&format!("{CLOSED}#/components/schemas/{name}"), &mut schemas).unwrap();
        let (problem, gateway_message) = (component("Problem"), component("GatewayMessage"));
        Self { document, schemas, indexes, problem, gateway_message }
    }

    fn faults(&self, method: &Method, path: &str, sent: Option<&[u8]>, answer: &Answer) -> Vec<String> {
        let Some(operation) = self.operation(method, path) else {
            return self.faults_of_undescribed(answer);
        };
        let mut wrong = self.faults_of_answer(&operation, answer);
        if answer.status < 300 {
            wrong.extend(self.faults_of_request(&operation, sent.unwrap_or_default()));
        }
        wrong
    }

    fn operation(&self, method: &Method, path: &str) -> Option<Operation<'_>> {
        let is_head = method == Method::HEAD;
        // The answer to HEAD is that to GET without its body.
        let method = if is_head { "get".to_owned() } else { method.as_str().to_lowercase() };
        let matching = self.document["paths"].as_object()?.iter().filter(|(template, _)| matches(template, path));
        let operations = matching.filter_map(|(template, item)| Some((template, item.get(&method)?)));
        // `/api/access-tokens/bootstrap` comes before `/api/access-tokens/{id}`.
        let (_, description) = operations.min_by_key(|(template, _)| template.matches('{').count())?;
        Some(Operation { id: description["operationId"].as_str()?, description, is_head })
    }

    /// The faults of an answer to a path or a method that the description does not have.
    fn faults_of_undescribed(&self, answer: &Answer) -> Vec<String> {
        if matches!(answer.status, 401 | 403) && answer.header("content-type") == "application/json" {
            return self.invalid(self.gateway_message, &answer.body);
        }
        let code = match answer.status {
            403 => "forbidden",
            404 => "not_found",
            405 => "method_not_allowed",
            _ => return vec!["the path or the method is not described".to_owned()],
        };
        if answer.raw.is_empty() {
            return Vec::new();
        }
        let mut wrong = self.invalid(self.problem, &answer.body);
        if answer.body["code"] != code {
            wrong.push(format!("the code is not {code}"));
        }
        wrong
    }

    fn faults_of_answer(&self, operation: &Operation<'_>, answer: &Answer) -> Vec<String> {
        let status = answer.status.to_string();
        let Some(response) = operation.description["responses"].get(&status) else {
            return vec![format!("{} does not describe the status", operation.id)];
        };
        let has_content = resolved(&self.document, response).0.get("content").is_some();
        if operation.is_head || !has_content {
            let fault = (!answer.raw.is_empty()).then(|| "the answer has a body".to_owned());
            return fault.into_iter().collect();
        }
        let media_type = answer.header("content-type");
        let key = (operation.id.to_owned(), status, media_type.to_owned());
        let Some(schema) = self.indexes.get(&key) else {
            return vec![format!("{} does not describe the media type {media_type:?}", operation.id)];
        };
        let mut wrong = self.invalid(*schema, &answer.body);
        if media_type == api::PROBLEM_JSON && answer.body["status"] != answer.status {
            wrong.push("the body has another status".to_owned());
        }
        wrong
    }

    /// The faults of the body of an accepted request.
    fn faults_of_request(&self, operation: &Operation<'_>, sent: &[u8]) -> Vec<String> {
        let key = (operation.id.to_owned(), REQUEST.to_owned(), "application/json".to_owned());
        let Some(schema) = self.indexes.get(&key) else {
            return Vec::new();
        };
        if sent.is_empty() {
            let is_required = operation.description["requestBody"]["required"] == true;
            return if is_required { vec!["accepted without a body".to_owned()] } else { Vec::new() };
        }
        let Ok(sent) = serde_json::from_slice(sent) else {
            return vec!["accepted with a body that is not JSON".to_owned()];
        };
        self.invalid(*schema, &sent).into_iter().map(|fault| format!("accepted with {sent}: {fault}")).collect()
    }

    fn invalid(&self, schema: SchemaIndex, value: &Value) -> Vec<String> {
        self.schemas.validate(value, schema).err().map(|error| error.to_string()).into_iter().collect()
    }
}

/// The keys and the locations of an operation's schemas. `at` is the place of the operation in the document.
fn schemas_of(document: &Value, operation: &Value, at: &str) -> Vec<((String, String, String), String)> {
    let mut found = Vec::new();
    let id = operation["operationId"].as_str().unwrap();
    let mut add = |status: &str, base: &str, content: &Value, at: &str| {
        for media_type in content.as_object().into_iter().flat_map(Map::keys) {
            let location = format!("{base}{at}/content/{}/schema", escaped(media_type));
            found.push(((id.to_owned(), status.to_owned(), media_type.clone()), location));
        }
    };
    for (status, response) in operation["responses"].as_object().unwrap() {
        let (response, elsewhere) = resolved(document, response);
        let here = format!("{at}/responses/{status}");
        add(status, CLOSED, &response["content"], elsewhere.unwrap_or(&here));
    }
    add(REQUEST, DESCRIPTION, &operation["requestBody"]["content"], &format!("{at}/requestBody"));
    found
}

/// The value itself, or the one that it refers to and the reference.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> (&'a Value, Option<&'a str>) {
    match value["$ref"].as_str() {
        Some(reference) => (document.pointer(reference.strip_prefix('#').unwrap()).unwrap(), Some(reference)),
        None => (value, None),
    }
}

/// A name as a part of a JSON pointer in a URL.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D")
}

/// Whether a path is one of those that the template stands for.
fn matches(template: &str, path: &str) -> bool {
    let (mut segments, mut templates) = (path.split('/'), template.split('/'));
    loop {
        match (segments.next(), templates.next()) {
            (None, None) => return true,
            (Some(segment), Some(template)) => {
                let is_parameter = template.starts_with('{');
                if if is_parameter { segment.is_empty() } else { segment != template } {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn description() -> Description {
        let named = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } });
        let thing = json!({ "allOf": [
            { "$ref": "#/components/schemas/Named" },
            { "type": "object", "properties": { "at": { "type": "string", "format": "date-time" } } },
        ] });
        let json_of = |schema: Value| json!({ "application/json": { "schema": schema } });
        let reference = json!({ "$ref": "#/components/schemas/Thing" });
        let operation = json!({
            "operationId": "makeThing",
            "requestBody": { "required": true, "content": json_of(json!({ "type": "object", "required": ["name"] })) },
            "responses": { "201": { "content": json_of(reference) }, "204": {} },
        });
        Description::new(json!({
            "paths": { "/api/things/{id}": { "post": operation } },
            "components": { "schemas": { "Named": named, "Thing": thing, "Problem": {}, "GatewayMessage": {} } },
        }))
    }

    fn faults(status: u16, media_type: &'static str, body: &str, sent: &str) -> usize {
        let headers = [(reqwest::header::CONTENT_TYPE, media_type.parse().unwrap())].into_iter().collect();
        let answer =
            Answer { status, headers, raw: body.to_owned(), body: serde_json::from_str(body).unwrap_or_default() };
        description().faults(&Method::POST, "/api/things/1", Some(sent.as_bytes()), &answer).len()
    }

    #[test]
    fn answer_that_differs_from_its_description_is_found() {
        const JSON: &str = "application/json";
        let (sent, described) = (r#"{"name":"x"}"#, r#"{"id":"1","at":"2026-03-02T08:00:00Z"}"#);
        for (status, media_type, body, sent, expected) in [
            (201, JSON, described, sent, 0),
            (204, "", "", sent, 0),
            (200, JSON, described, sent, 1),
            (201, "text/plain", described, sent, 1),
            (201, JSON, r#"{"at":"2026-03-02T08:00:00Z"}"#, sent, 1),
            (201, JSON, r#"{"id":"1","at":"yesterday"}"#, sent, 1),
            (201, JSON, r#"{"id":"1","colour":"blue"}"#, sent, 1),
            (201, JSON, r#"{"id":1}"#, sent, 1),
            (204, JSON, described, sent, 1),
            (201, JSON, described, "{}", 1),
            (201, JSON, described, "", 1),
        ] {
            assert_eq!(faults(status, media_type, body, sent), expected, "{status} {media_type} {body} {sent}");
        }
    }

    #[test]
    fn path_matches_its_template() {
        assert!(matches("/api/robots/{id}/questions/{question_id}", "/api/robots/r1/questions/q-1"));
        assert!(!matches("/api/robots/{id}", "/api/robots/"));
        assert!(!matches("/api/robots/{id}", "/api/robots/r1/try"));
    }
}
