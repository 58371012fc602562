//! The allow-list of a binding: which robots, groups and agents a `session-from` may name.
//!
//! The visitor's own device sends the `session-from`, so that a stranger can write any id into it. A `session-from` whose signature
//! is verified is not restricted.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{
    Fault,
    routing::{Target, TargetKind},
    staff::is_id,
};

/// The most ids of one list.
pub const ALLOWED_MAX: usize = 200;

/// Which robots, groups and agents a `session-from` without a verified signature may name: `"all"`, or a list of ids. Without a
/// value those that the binding itself or a merchant names: the binding's `robot_id` and `group_id` and the groups of the
/// merchants, and no agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// The robots that `robotid` may name.
    pub robots: Option<AllowedIds>,
    /// The groups that `transfer_action` and `flowGroupId` may name.
    pub groups: Option<AllowedIds>,
    /// The agents that `transfer_action` may name.
    pub agents: Option<AllowedIds>,
}

/// `"all"`, or at most 200 ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedIds {
    /// Every id.
    All,
    /// These ids; none if the list is empty.
    Only(Vec<String>),
}

impl AllowedIds {
    fn contains(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.iter().any(|allowed| allowed == id),
        }
    }

    /// The ids of a list.
    pub fn ids(&self) -> &[String] {
        match self {
            Self::All => &[],
            Self::Only(ids) => ids,
        }
    }
}

impl Allow {
    /// Whether `robotid` may name the robot with this id. The binding's own may always be named.
    pub fn robot(&self, id: &str, own: Option<&str>) -> bool {
        own == Some(id) || self.robots.as_ref().is_some_and(|allowed| allowed.contains(id))
    }

    /// Whether `transfer_action` or `flowGroupId` may name this target. The binding's own group may always be named.
    pub fn target(&self, target: &Target, own_group: Option<&str>, merchant_groups: &BTreeSet<String>) -> bool {
        match target {
            Target::Group(id) => {
                let by_list = |allowed: &AllowedIds| allowed.contains(id);
                own_group == Some(id) || self.groups.as_ref().map_or_else(|| merchant_groups.contains(id), by_list)
            }
            Target::Agent(id) => self.agents.as_ref().is_some_and(|allowed| allowed.contains(id)),
        }
    }

    /// Whether the decision about this target depends on the groups of the merchants.
    pub fn asks_for_merchants(&self, target: &Target, group_id: Option<&str>) -> bool {
        target.kind() == TargetKind::Group && self.groups.is_none() && group_id != Some(target.id())
    }

    /// Validates the lists.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let lists = [("allow.robots", &self.robots), ("allow.groups", &self.groups), ("allow.agents", &self.agents)];
        let mut faults = Vec::new();
        for (field, ids) in lists {
            let ids = ids.as_ref().map(AllowedIds::ids).unwrap_or_default();
            if ids.len() > ALLOWED_MAX {
                faults.push(Fault::new(field, "must have at most 200 ids"));
            }
            if !ids.iter().all(|id| is_id(id)) {
                faults.push(Fault::new(field, "must have ids of 1 to 100 characters, without white space at the ends"));
            }
            if ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
                faults.push(Fault::new(field, "must have each id once"));
            }
        }
        faults
    }
}

impl Serialize for AllowedIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Only(ids) => ids.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AllowedIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Word(String),
            Ids(Vec<String>),
        }
        match Written::deserialize(deserializer) {
            Ok(Written::Word(word)) if word == "all" => Ok(Self::All),
            Ok(Written::Ids(ids)) => Ok(Self::Only(ids)),
            _ => Err(D::Error::custom("must be \"all\" or a list of ids")),
        }
    }
}

#[cfg(feature = "openapi")]
mod openapi {
    use std::borrow::Cow;

    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, RefOr, Schema, Type},
    };

    use super::{ALLOWED_MAX, AllowedIds};

    impl PartialSchema for AllowedIds {
        fn schema() -> RefOr<Schema> {
            let all = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["all"]));
            let id = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(100));
            let ids = ArrayBuilder::new().items(id).max_items(Some(ALLOWED_MAX)).unique_items(true);
            OneOfBuilder::new().item(all).item(ids).description(Some("`all`, or at most 200 ids.")).into()
        }
    }

    impl ToSchema for AllowedIds {
        fn name() -> Cow<'static, str> {
            "AllowedIds".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    fn group(id: &str) -> Target {
        Target::Group(id.to_owned())
    }

    #[test]
    fn without_lists_what_binding_and_merchants_name_is_allowed() {
        let merchant_groups = BTreeSet::from(["g-merchant".to_owned()]);
        let (own, own_group) = (Some("r-own"), Some("g-own"));
        let allow = Allow::default();
        assert!(allow.robot("r-own", own));
        assert!(!allow.robot("r-other", own));
        for (target, allowed) in [
            (group("g-own"), true),
            (group("g-merchant"), true),
            (group("g-other"), false),
            (Target::Agent("g-own".to_owned()), false),
            (Target::Agent("a-1".to_owned()), false),
        ] {
            assert_eq!(allow.target(&target, own_group, &merchant_groups), allowed, "{target:?}");
        }
    }

    #[test]
    fn list_replaces_merchants_and_keeps_the_binding_s_own() {
        let merchant_groups = BTreeSet::from(["g-merchant".to_owned()]);
        let (own, own_group) = (Some("r-own"), Some("g-own"));
        let allow: Allow = from_value(json!({ "robots": [], "groups": ["g-1"], "agents": ["a-1"] })).unwrap();
        assert!(allow.robot("r-own", own), "the binding's own robot answers anyway");
        assert!(!allow.robot("r-1", own));
        for (target, allowed) in [
            (group("g-own"), true),
            (group("g-1"), true),
            (group("a-1"), false),
            (group("g-merchant"), false),
            (Target::Agent("a-1".to_owned()), true),
            (Target::Agent("g-1".to_owned()), false),
        ] {
            assert_eq!(allow.target(&target, own_group, &merchant_groups), allowed, "{target:?}");
        }
        let all: Allow = from_value(json!({ "robots": "all", "groups": "all", "agents": "all" })).unwrap();
        assert!(all.robot("r-1", own) && all.target(&group("g-2"), own_group, &merchant_groups));
        assert!(all.target(&Target::Agent("a-2".to_owned()), own_group, &merchant_groups));
    }

    #[test]
    fn written_forms_are_all_or_ids() {
        for written in [json!("all"), json!([]), json!(["g1", "g2"])] {
            assert_eq!(to_value(from_value::<AllowedIds>(written.clone()).unwrap()).unwrap(), written);
        }
        for wrong in [json!("none"), json!("ALL"), json!(1), json!([1]), json!({ "ids": [] }), json!(true)] {
            let error = from_value::<AllowedIds>(wrong.clone()).unwrap_err();
            assert!(error.to_string().contains("must be \"all\" or a list of ids"), "{wrong}: {error}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let only = |ids: Vec<String>| Allow { groups: Some(AllowedIds::Only(ids)), ..Allow::default() };
        let numbered = |count: usize| (0..count).map(|number| format!("g{number}")).collect::<Vec<_>>();
        assert_eq!(only(numbered(ALLOWED_MAX)).faults(), []);
        for wrong in [numbered(ALLOWED_MAX + 1), vec![String::new()], vec!["x".repeat(101)], vec!["g".to_owned(); 2]] {
            let faults = only(wrong.clone()).faults();
            assert_eq!(faults.len(), 1, "{wrong:?}");
        }
    }
}
