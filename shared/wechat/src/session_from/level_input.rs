//! Reads the levels of `transfer_action` from JSON whose ids are strings or numbers.

use serde::{Deserialize, Deserializer};

use super::TransferLevel;

pub(super) fn levels_with_strings_or_numbers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<TransferLevel>, D::Error> {
    Ok(Vec::<LevelInput>::deserialize(deserializer)?.into_iter().map(TransferLevel::from).collect())
}

/// A level of `transfer_action` (智齿, 转人工策略).
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TransferLevel))]
#[serde(deny_unknown_fields)]
pub(super) struct LevelInput {
    /// `to_group` or `to_service`, which is an agent.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    action_type: Option<String>,
    /// The id or an alias of the group or of the agent.
    deci_id: Option<Id>,
    /// 1 (agent) and 3 (group) overflow, 2 and 4 do not.
    option_id: Option<Id>,
    /// Of an agent 1 offline, 2 busy, 3 any reason; of a group 4 offline, 5 busy, 6 outside of hours, 7 any reason.
    spill_id: Option<Id>,
}

/// A number, or its digits as text.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TextOrNumber))]
#[serde(untagged, expecting = "must be a text or a whole number")]
enum Id {
    Text(String),
    Number(i64),
}

impl From<LevelInput> for TransferLevel {
    fn from(input: LevelInput) -> Self {
        let text = |id: Option<Id>| match id? {
            Id::Text(text) => Some(text),
            Id::Number(number) => Some(number.to_string()),
        };
        Self {
            action_type: input.action_type,
            deci_id: text(input.deci_id),
            option_id: text(input.option_id),
            spill_id: text(input.spill_id),
        }
    }
}
