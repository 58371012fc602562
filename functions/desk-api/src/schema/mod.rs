//! The schemas of the description.
//!
//! A type of another crate that an answer or a request contains is described here, with its units, limits and examples.
//! `tests/it` validates every answer against these schemas, with no field beside those that they name. Three schemas
//! follow from one type of settings: `New…` is the type itself, [`View`] what an answer shows, [`Change`] what a JSON
//! merge patch may contain.

mod bindings;
mod events;
mod messages;
mod robots;
mod settings;

use std::{borrow::Cow, marker::PhantomData};

use api::PageOf;
use jiff::Timestamp;
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

pub(crate) use bindings::CredentialProblem;
pub(crate) use events::Event;
pub(crate) use messages::Message;
pub(crate) use robots::{CreatedRobotFields, NewRobot};

type Schemas = Vec<(String, RefOr<Schema>)>;

/// What an answer shows of settings: every setting, and the fields of `F`.
pub(crate) struct View<T, F = Recorded>(PhantomData<(T, F)>);

/// A JSON merge patch (RFC 7396) of settings: every field may be missing, and one with a default may be null.
pub(crate) struct Change<T>(PhantomData<T>);

/// What the bundle adds to settings.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes `RecordView`")]
pub(crate) struct Recorded {
    /// Stable; to be copied into `session-from`.
    id: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

pub(crate) type Group = View<desk::staff::Group>;
pub(crate) type GroupChange = Change<desk::staff::Group>;
pub(crate) type GroupPage = PageOf<Group>;
pub(crate) type Agent = View<desk::staff::Agent, settings::RecordedAgent>;
pub(crate) type AgentChange = Change<desk::staff::Agent>;
pub(crate) type AgentPage = PageOf<Agent>;
pub(crate) type Merchant = View<desk::merchant::Merchant>;
pub(crate) type MerchantChange = Change<desk::merchant::Merchant>;
pub(crate) type MerchantPage = PageOf<Merchant>;
pub(crate) type Calendar = View<desk::calendar::Calendar>;
pub(crate) type CalendarChange = Change<desk::calendar::Calendar>;
pub(crate) type CalendarPage = PageOf<Calendar>;
pub(crate) type Robot = View<NewRobot, robots::RecordedRobot>;
pub(crate) type CreatedRobot = View<NewRobot, CreatedRobotFields>;
pub(crate) type RobotChange = Change<NewRobot>;
pub(crate) type RobotPage = PageOf<Robot>;
pub(crate) type QuestionChange = Change<crate::questions::NewQuestion>;
pub(crate) type QuestionPage = PageOf<desk::faq::Question>;
pub(crate) type BindingChange = Change<crate::bindings::Create>;
pub(crate) type BindingPage = PageOf<crate::bindings::BindingView>;
pub(crate) type MessagePage = PageOf<Message>;
pub(crate) type EventPage = PageOf<Event>;
pub(crate) type AccessTokenPage = PageOf<crate::access_tokens::AccessTokenView>;
pub(crate) type SessionPage = PageOf<crate::sessions::SessionView>;
pub(crate) type AuditPage = PageOf<store::AuditEntry>;
pub(crate) type ExportPage = PageOf<crate::export::ExportedItemSchema>;
pub(crate) type ConversationPage = PageOf<crate::conversation_view::ConversationView>;

/// The fields that a change cannot set.
const FIXED: [&str; 1] = ["app_id"];
/// The fields without a default that null could set back.
const WITHOUT_DEFAULT: [&str; 2] = ["token", "encoding_aes_key"];
/// The fields that only requests have.
const WRITE_ONLY: [&str; 2] = ["api_key", "secret"];

/// The settings that only some kinds of robots have.
const OF_SOME_KINDS: [&str; 7] =
    ["thresholds", "base_url", "model", "instructions", "url", "ai_generated", "deadline_seconds"];

fn json_of<T: PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).unwrap_or_default()
}

fn schema_of(value: Value) -> RefOr<Schema> {
    serde_json::from_value(value).unwrap_or_else(|error| {
        tracing::error!(%error, "a schema could not be derived");
        RefOr::T(Schema::default())
    })
}

fn base_name<T: ToSchema>() -> String {
    let name = T::name();
    name.strip_prefix("New").unwrap_or(&name).to_owned()
}

impl<T: PartialSchema, F: PartialSchema> PartialSchema for View<T, F> {
    fn schema() -> RefOr<Schema> {
        let (mut schema, fields) = (json_of::<T>(), json_of::<F>());
        let mut required = vec![];
        if let (Some(properties), Some(more)) = (schema["properties"].as_object_mut(), fields["properties"].as_object())
        {
            properties.retain(|name, _| !WRITE_ONLY.contains(&name.as_str()));
            // Settings are shown with their defaults, so that every field is there.
            required.extend(properties.keys().filter(|name| !OF_SOME_KINDS.contains(&name.as_str())).cloned());
            properties.extend(more.clone());
        }
        required
            .extend(fields["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        required.sort();
        schema["required"] = required.into();
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("additionalProperties");
            schema.remove("example");
        }
        schema_of(schema)
    }
}

impl<T: ToSchema, F: ToSchema> ToSchema for View<T, F> {
    fn name() -> Cow<'static, str> {
        let prefix = if F::name() == "CreatedRobotFields" { "Created" } else { "" };
        format!("{prefix}{}", base_name::<T>()).into()
    }

    fn schemas(schemas: &mut Schemas) {
        T::schemas(schemas);
        F::schemas(schemas);
    }
}

impl<T: PartialSchema> PartialSchema for Change<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = json_of::<T>();
        let required = schema["required"].take();
        let is_required = |name: &str| required.as_array().into_iter().flatten().any(|other| other == name);
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.retain(|name, _| !FIXED.contains(&name.as_str()));
            for (name, property) in properties.iter_mut() {
                if let Some(fields) = property.as_object_mut() {
                    fields.remove("default");
                }
                if !is_required(name) && !WITHOUT_DEFAULT.contains(&name.as_str()) {
                    make_nullable(property);
                }
            }
        }
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("required");
            fields.remove("example");
        }
        schema["description"] =
            "A JSON merge patch (RFC 7396): a field that is missing stays, null sets it back.".into();
        schema_of(schema)
    }
}

impl<T: ToSchema> ToSchema for Change<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Change", base_name::<T>()).into()
    }

    fn schemas(schemas: &mut Schemas) {
        T::schemas(schemas);
    }
}

fn make_nullable(property: &mut Value) {
    match property.get("type").cloned() {
        Some(Value::String(one)) => {
            property["type"] = serde_json::json!([one, "null"]);
            if let Some(values) = property.get_mut("enum").and_then(Value::as_array_mut) {
                values.push(Value::Null);
            }
        }
        Some(_) => {}
        None if property.get("oneOf").is_some() => {
            if let Some(variants) = property["oneOf"].as_array_mut()
                && !variants.iter().any(|variant| variant["type"] == "null")
            {
                variants.push(serde_json::json!({ "type": "null" }));
            }
        }
        None => {
            let of = property.take();
            *property = serde_json::json!({ "oneOf": [of, { "type": "null" }] });
        }
    }
}
