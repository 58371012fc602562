//! Reads the levels of `transfer_action` from JSON whose ids are strings or numbers.

use serde::{Deserialize, Deserializer};

use super::TransferLevel;

pub(super) fn levels_with_strings_or_numbers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<TransferLevel>, D::Error> {
    Ok(Vec::<LevelInput>::deserialize(deserializer)?.into_iter().map(TransferLevel::from).collect())
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LevelInput {
    action_type: Option<String>,
    deci_id: Option<Id>,
    option_id: Option<Id>,
    spill_id: Option<Id>,
}

#[derive(Deserialize)]
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
