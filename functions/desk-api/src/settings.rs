//! The settings of groups, agents, merchants, robots and calendars: read and validated.

use api::{FieldError, Problem};
use desk::{
    Fault,
    calendar::Calendar,
    merchant::Merchant,
    robot::Robot,
    staff::{Agent, Group},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use store::{Kind, TOKEN_ALIAS};

/// Settings of any kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Settings {
    Group(Group),
    Agent(Agent),
    Merchant(Merchant),
    Robot(Robot),
    Calendar(Calendar),
}

impl Settings {
    /// Reads and validates settings from a request.
    pub(crate) fn read(kind: Kind, value: Value) -> Result<Self, Vec<FieldError>> {
        let sent: Vec<String> = value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
        let settings = Self::parse(kind, value).map_err(|wrong| vec![wrong])?.validated()?;
        if matches!(settings, Self::Robot(_)) {
            // Serde does not refuse unknown fields beside a flattened enum.
            let known = settings.value();
            let unknown = sent.iter().filter(|name| known.get(name.as_str()).is_none());
            let wrong: Vec<_> =
                unknown.map(|name| FieldError::new(name, "is not a field of this kind of robot")).collect();
            if !wrong.is_empty() {
                return Err(wrong);
            }
        }
        Ok(settings)
    }

    /// Validates settings from a request. The name loses the white space at its ends.
    pub(crate) fn validated(mut self) -> Result<Self, Vec<FieldError>> {
        let name = self.name_mut();
        *name = name.trim().to_owned();
        let wrong = fields("", self.faults());
        if wrong.is_empty() { Ok(self) } else { Err(wrong) }
    }

    /// Reads stored settings.
    pub(crate) fn kept(kind: Kind, value: &Value) -> Result<Self, Problem> {
        Self::parse(kind, value.clone()).map_err(|wrong| {
            tracing::error!(
                kind = kind.as_str(),
                field = wrong.field,
                detail = wrong.detail,
                "stored settings are unreadable"
            );
            Problem::internal()
        })
    }

    fn parse(kind: Kind, value: Value) -> Result<Self, FieldError> {
        fn to<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
            api::read(value)
        }
        Ok(match kind {
            Kind::Group => Self::Group(to(value)?),
            Kind::Agent => Self::Agent(to(value)?),
            Kind::Merchant => Self::Merchant(to(value)?),
            Kind::Robot => Self::Robot(to(value)?),
            Kind::Calendar => Self::Calendar(to(value)?),
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Group(_) => Kind::Group,
            Self::Agent(_) => Kind::Agent,
            Self::Merchant(_) => Kind::Merchant,
            Self::Robot(_) => Kind::Robot,
            Self::Calendar(_) => Kind::Calendar,
        }
    }

    fn name_mut(&mut self) -> &mut String {
        match self {
            Self::Group(group) => &mut group.name,
            Self::Agent(agent) => &mut agent.name,
            Self::Merchant(merchant) => &mut merchant.name,
            Self::Robot(robot) => &mut robot.name,
            Self::Calendar(calendar) => &mut calendar.name,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::Group(group) => group.faults(),
            Self::Agent(agent) => {
                let mut faults = agent.faults();
                if agent.aliases.iter().any(|alias| alias.starts_with(TOKEN_ALIAS)) {
                    let detail = format!("must not begin with {TOKEN_ALIAS:?}: such names belong to access tokens");
                    faults.push(Fault::new("aliases", detail));
                }
                faults
            }
            Self::Merchant(merchant) => merchant.faults(),
            Self::Robot(robot) => robot.faults(),
            Self::Calendar(calendar) => calendar.faults(),
        }
    }

    /// As JSON, with every default.
    pub(crate) fn value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The aliases by which the record is found. The code of a merchant is one of them.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Group(group) => group.aliases.clone(),
            Self::Agent(agent) => agent.aliases.clone(),
            Self::Merchant(merchant) => {
                let others = merchant.aliases.iter().filter(|alias| **alias != merchant.customer_code);
                std::iter::once(&merchant.customer_code).chain(others).cloned().collect()
            }
            Self::Robot(robot) => robot.aliases.clone(),
            Self::Calendar(calendar) => calendar.aliases.clone(),
        }
    }
}

/// Faults as errors of fields; `place` is put before the name of each field.
pub(crate) fn fields(place: &str, faults: Vec<Fault>) -> Vec<FieldError> {
    faults.into_iter().map(|fault| FieldError::new(format!("{place}{}", fault.field), fault.detail)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(kind: Kind, value: Value) -> Vec<String> {
        match Settings::read(kind, value) {
            Ok(_) => Vec::new(),
            Err(wrong) => wrong.into_iter().map(|wrong| wrong.field).collect(),
        }
    }

    #[test]
    fn unknown_field_is_refused_in_every_kind() {
        for (kind, settings) in [
            (Kind::Group, json!({ "name": "售前" })),
            (Kind::Agent, json!({ "name": "小林" })),
            (Kind::Merchant, json!({ "name": "店", "customer_code": "c", "group_id": "g" })),
            (Kind::Calendar, json!({ "name": "上班" })),
            (Kind::Robot, json!({ "name": "小助", "kind": "faq" })),
            (Kind::Robot, json!({ "name": "小助", "kind": "webhook", "url": "https://a.example/" })),
        ] {
            assert_eq!(wrong(kind, settings.clone()), [""; 0], "{kind:?}");
            let mut with = settings;
            with["colour"] = "blue".into();
            assert_eq!(wrong(kind, with).len(), 1, "{kind:?}");
        }
        let crossed = json!({ "name": "小助", "kind": "faq", "base_url": "https://a.example/", "thresholds": {} });
        assert_eq!(wrong(Kind::Robot, crossed), ["base_url"]);
    }

    #[test]
    fn stored_settings_round_trip() {
        let sent = json!({ "name": " 小助 ", "kind": "chat", "base_url": "https://a.example/v1", "model": "m" });
        let robot = Settings::read(Kind::Robot, sent).unwrap();
        assert_eq!(robot.value()["name"], "小助");
        assert_eq!(Settings::kept(Kind::Robot, &robot.value()).unwrap(), robot);
    }

    #[test]
    fn code_of_merchant_is_an_alias_once() {
        let sent = json!({ "name": "店", "customer_code": "c1", "group_id": "g", "aliases": ["c2", "c1"] });
        assert_eq!(Settings::read(Kind::Merchant, sent).unwrap().names(), ["c1", "c2"]);
    }

    #[test]
    fn alias_reserved_for_access_tokens_is_refused() {
        assert_eq!(wrong(Kind::Agent, json!({ "name": "小林", "aliases": ["token:1"] })), ["aliases"]);
    }
}
