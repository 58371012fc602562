//! Values of a wrong type in every field of every body, and in every parameter of a query, by the description of the API.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::World;

const APP: &str = "wx0000000000000ad2";

/// The values that stand in the place of a field's own.
fn wrong_values() -> Vec<Value> {
    vec![json!(null), json!(-1), json!(1.5), json!(true), json!("x"), json!(["x"]), json!({ "x": 1 })]
}

/// Words of Rust and of serde that no caller knows.
const RUSTS: [&str; 24] = [
    "struct",
    "enum",
    "variant",
    "u8",
    "u16",
    "u32",
    "u64",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "f64",
    "bool",
    "sequence",
    "map",
    "element",
    "elements",
    "tuple",
    "Option",
    "untagged",
    "expected",
    "invalid type",
    "invalid value",
];

/// The words of Rust in a text.
fn rusts(text: &str) -> Vec<&'static str> {
    let words: Vec<_> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let stands = |word: &&str| if word.contains(' ') { text.contains(word) } else { words.contains(word) };
    RUSTS.into_iter().filter(|word| stands(word)).collect()
}

/// The description.
struct Described(Value);

impl Described {
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.resolved(self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap()),
            None => schema,
        }
    }

    /// What a value may be, without null.
    fn alternatives<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolved(schema);
        let Some(parts) = ["oneOf", "allOf"].iter().find_map(|name| schema[*name].as_array()) else {
            return if schema["type"] == "null" { vec![] } else { vec![schema] };
        };
        parts.iter().flat_map(|part| self.alternatives(part)).collect()
    }

    /// A value of the right type, with the fields that an object must have, or with all.
    fn sample(&self, schema: &Value, all: bool) -> Value {
        let Some(schema) = self.alternatives(schema).into_iter().next() else { return Value::Null };
        let kind = schema["type"].as_str().or_else(|| schema["type"].as_array()?.first()?.as_str());
        match kind {
            _ if schema["enum"].is_array() => schema["enum"][0].clone(),
            Some("object") => {
                let is_required =
                    |name: &str| schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
                let fields = schema["properties"].as_object().into_iter().flatten();
                let fields = fields.filter(|(name, _)| all || is_required(name));
                fields.map(|(name, field)| (name.clone(), self.sample(field, all))).collect::<Map<_, _>>().into()
            }
            Some("array") => json!([self.sample(&schema["items"], all)]),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
            Some("boolean") => json!(true),
            Some(_) if schema["format"] == "date-time" => json!("2026-03-02T08:00:00Z"),
            Some(_) if schema["format"] == "date" => json!("2026-03-02"),
            Some(_) => json!("x"),
            None => json!({}),
        }
    }

    /// Every value of this form in which one part is one of the values that `wrong` gives for its schema.
    fn spoiled(&self, schema: &Value, wrong: &dyn Fn(&Value) -> Vec<Value>) -> Vec<Value> {
        let mut all = Vec::new();
        for schema in self.alternatives(schema) {
            all.extend(wrong(schema));
            let base = self.sample(schema, false);
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                for value in self.spoiled(field, wrong) {
                    let mut body = base.clone();
                    body[name] = value;
                    all.push(body);
                }
            }
            if schema["items"].is_object() {
                all.extend(self.spoiled(&schema["items"], wrong).into_iter().map(|item| json!([item])));
            }
            if schema["additionalProperties"].is_object() {
                let values = self.spoiled(&schema["additionalProperties"], wrong);
                all.extend(values.into_iter().map(|value| json!({ "x": value })));
            }
        }
        all
    }

    /// The operations with a body: method, path, and the schema of the body.
    fn bodies(&self) -> Vec<(Method, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (method, path.as_str(), operation))
        });
        let with_body = operations.filter_map(|(method, path, operation)| {
            let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
            Some((method.to_uppercase().parse().unwrap(), path, schema))
        });
        with_body.collect()
    }
}

/// What the parameters of paths name.
struct Named {
    cid: String,
    /// The ids of one record of each kind.
    ids: Vec<(&'static str, String)>,
}

impl Named {
    async fn create(world: &World) -> Self {
        let binding = world.bind(APP).await;
        let cid = world.open_conversation(&binding, "o-1").await.cid;
        let agent = world.agent("小王", 5).await;
        let group = world.group(&[&agent]).await;
        let robot = world.faq_robot(&[("q1", "怎么退款", "在订单页申请。")]).await;
        let merchant = json!({ "name": "店", "customer_code": "c1", "group_id": group });
        let ids = vec![
            ("merchants", world.create("merchants", &merchant).await),
            ("calendars", world.create("calendars", &json!({ "name": "班" })).await),
            ("agents", agent),
            ("groups", group),
            ("robots", robot),
        ];
        Self { cid, ids }
    }

    fn path(&self, path: &str) -> String {
        let kind = path.split('/').nth(2).unwrap();
        let id = self.ids.iter().find(|(name, _)| *name == kind).map_or("x", |(_, id)| id);
        let path = path.replace("{app_id}", APP).replace("{cid}", &self.cid).replace("{openid}", "o-1");
        path.replace("{question_id}", "q1").replace("{id}", id)
    }
}

#[tokio::test]
async fn list_in_the_place_of_any_object_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let named = Named::create(&world).await;
    let described = Described(world.get("/api/openapi.json").await.expect(200).body);
    let lists = |schema: &Value| {
        let Some(fields) = schema["properties"].as_object() else { return vec![] };
        let values = |all: bool| fields.values().map(|field| described.sample(field, all)).collect::<Vec<_>>();
        vec![json!([]), values(false).into(), values(true).into()]
    };
    let before = world.all_items().await;
    let (mut tried, mut wrong) = (0, Vec::new());
    for (method, path, schema) in described.bodies() {
        for body in described.spoiled(schema, &lists) {
            let answer = world.unchecked(method.clone(), &named.path(path), Some(&body)).await;
            let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
            let is_named = errors.iter().any(|error| error["detail"] == "must be an object");
            if answer.status != 422 || !is_named {
                wrong.push(format!("{method} {path} {body}: {}", answer.raw));
            }
            tried += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 100, "{tried}");
    assert_eq!(world.all_items().await.len(), before.len());
}

#[tokio::test]
async fn refusal_of_any_field_is_in_words_of_the_api() {
    let world = World::start().await;
    let named = Named::create(&world).await;
    let described = Described(world.get("/api/openapi.json").await.expect(200).body);
    let (mut refused, mut wrong) = (0, Vec::new());
    for (method, path, schema) in described.bodies() {
        for body in described.spoiled(schema, &|_| wrong_values()) {
            let answer = world.unchecked(method.clone(), &named.path(path), Some(&body)).await;
            let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
            let details = errors.iter().map(|error| &error["detail"]).chain([&answer.body["detail"]]);
            let found: Vec<_> = details.filter_map(Value::as_str).flat_map(rusts).collect();
            if answer.status >= 500 || answer.status >= 400 && !found.is_empty() {
                wrong.push(format!("{method} {path} {body}: {found:?} {}", answer.raw));
            }
            refused += u32::from(answer.status == 422);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > 500, "{refused}");
}

#[tokio::test]
async fn refusal_of_any_parameter_is_in_words_of_the_api() {
    let world = World::start().await;
    let named = Named::create(&world).await;
    let described = world.get("/api/openapi.json").await.expect(200).body;
    let mut refused = 0;
    for (path, item) in described["paths"].as_object().unwrap() {
        for parameter in
            item["get"]["parameters"].as_array().into_iter().flatten().filter(|given| given["in"] == "query")
        {
            let (path, name) = (named.path(path), parameter["name"].as_str().unwrap());
            for query in [format!("{name}=1.5x"), format!("{name}=-1"), format!("{name}=%5B%5D&{name}=%7B%7D")] {
                let answer = world.unchecked(Method::GET, &format!("{path}?{query}"), None).await;
                assert!(answer.status < 500, "{path}?{query}: {}", answer.raw);
                if answer.status == 422 {
                    assert_eq!(rusts(&answer.body.to_string()), Vec::<&str>::new(), "{path}?{query}: {}", answer.raw);
                    assert_eq!(answer.body["errors"][0]["field"], name, "{path}?{query}: {}", answer.raw);
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 30, "{refused}");
}

/// Path, body, the field that is wrong, and what it takes.
fn wrong_bodies() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    vec![
        ("/api/groups", json!({ "name": 5 }), "name", "must be text"),
        ("/api/groups", json!({ "name": "x", "max_queue": -1 }), "max_queue", "must be a whole number of 0 or more"),
        ("/api/groups", json!({ "name": "x", "members": "a1" }), "members", "must be a list"),
        (
            "/api/groups",
            json!({ "name": "x", "strategy": "best" }),
            "strategy",
            "must be one of least_load, round_robin",
        ),
        (
            "/api/groups",
            json!({ "name": "x", "strategy": { "least_load": null } }),
            "strategy",
            "must be one of least_load, round_robin",
        ),
        ("/api/calendars", json!({ "name": "x", "weekly": [["mon"]] }), "weekly[0]", "must be an object"),
        (
            "/api/calendars",
            json!({ "name": "x", "make_up_days": [{ "date": "soon", "hours": [] }] }),
            "make_up_days[0].date",
            "must be a date such as 2026-03-02",
        ),
        (
            "/api/robots",
            json!({ "name": "x", "kind": "faq", "thresholds": [0.5, 0.2, 0.1] }),
            "thresholds",
            "must be an object",
        ),
        (
            "/api/robots",
            json!({ "name": "x", "kind": "faq", "thresholds": { "direct": "x" } }),
            "thresholds.direct",
            "must be a number",
        ),
        ("/api/robots", json!({ "name": "x", "kind": "oracle" }), "kind", "must be one of faq, chat, webhook"),
        (
            "/api/routing/simulate",
            json!({ "app_id": APP, "at": "tomorrow sk-1" }),
            "at",
            "must be a time such as 2026-03-02T08:00:00Z",
        ),
        ("/api/conversations/{cid}/messages", json!({ "type": "text", "text": ["x"] }), "text", "must be an object"),
        (
            "/api/conversations/{cid}/cards",
            json!({ "msgType": 26, "miniPage": ["", "", "", "T", "p", "m"] }),
            "miniPage",
            "must be an object",
        ),
        ("/api/conversations/{cid}/typing", json!({ "typing": 1 }), "typing", "must be true or false"),
    ]
}

#[tokio::test]
async fn wrong_value_is_explained_by_what_the_field_takes() {
    let world = World::start().await;
    let named = Named::create(&world).await;
    for (path, body, field, detail) in wrong_bodies() {
        let answer = world.unchecked(Method::POST, &named.path(path), Some(&body)).await;
        let errors = json!([{ "field": field, "detail": detail }]);
        assert_eq!((answer.status, &answer.body["errors"]), (422, &errors), "{path} {body}: {}", answer.raw);
    }
}
