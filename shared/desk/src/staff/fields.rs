//! Names and ids in settings.

use std::collections::BTreeSet;

use wechat::Name;

use crate::Fault;

const ALIASES_MAX: usize = 20;

/// The longest display name, in characters and in bytes. An emoji may take many bytes.
const NAME_MAX: (usize, usize) = (60, 512);

/// Whether this is a display name: 1 to 60 characters on one line, not blank, without control, format and bidirectional characters.
pub fn is_display_name(name: &str) -> bool {
    name.chars().count() <= NAME_MAX.0 && Name::parse(name, NAME_MAX.1).is_ok()
}

/// Checks a [display name](is_display_name).
pub(crate) fn check_name(faults: &mut Vec<Fault>, field: &str, name: &str) {
    if !is_display_name(name) {
        faults.push(Fault::new(
            field,
            "must have 1 to 60 characters, none of them a control, format or bidirectional character",
        ));
    }
}

/// Checks external ids. Duplicates are refused because the table maps each alias to exactly one record.
pub(crate) fn check_aliases(faults: &mut Vec<Fault>, aliases: &[String]) {
    if aliases.len() > ALIASES_MAX || !aliases.iter().all(|alias| is_id(alias)) {
        faults
            .push(Fault::new("aliases", "must be at most 20 of 1 to 100 characters, without white space at the ends"));
    } else if !are_unique(aliases) {
        faults.push(Fault::new("aliases", "must all be different"));
    }
}

/// Whether the text is a possible id, internal or external: 1 to 100 characters, without control characters and without
/// white space at the ends. Lookups trim the ids of a `session-from`, so an id with white space at an end is never found.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && text.chars().count() <= 100 && !text.contains(char::is_control)
}

pub(super) fn are_unique(texts: &[String]) -> bool {
    texts.iter().collect::<BTreeSet<_>>().len() == texts.len()
}
