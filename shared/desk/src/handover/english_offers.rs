//! English questions whether a person can help: can a human help me, is there anyone I can talk to.

use super::word_list::WordList;

const DETERMINERS: WordList = WordList("a an any the some real live actual one of your another other");
const HELPS: WordList = WordList(
    "help helps assist talk speak chat answer reply respond call contact look check review handle take join explain get fix solve see please just maybe \
     kindly actually",
);
const TEAM: WordList = WordList("from on in at your the team company side support staff shop store");
/// Verbs of a conversation. Other verbs are no request for a person: can someone get this in red.
const TALKS: WordList = WordList("talk speak chat call contact");
const AROUND: WordList = WordList(
    "i we can could may might who that which to talk speak chat ask with me us here there now available help assist please pls online on right today \
     around in chat at all out free able is there",
);

/// Whether a question asks for the person between these texts. `is_clear`: the noun alone says that a person is meant, unlike
/// someone.
pub(super) fn is_asked(before: &[&str], after: &[&str], is_clear: bool) -> bool {
    let start = without_determiners(before);
    match start {
        [.., "can" | "could" | "would" | "will" | "have" | "let" | "may"] => {
            let from = after.iter().take_while(|word| TEAM.contains(word)).count();
            let help = after.get(from).filter(|word| HELPS.contains(word));
            help.is_some_and(|word| is_clear || TALKS.contains(word) && after.len() - from <= 3)
        }
        [.., "is" | "are" | "there" | "isnt" | "arent" | "theres"] | [] => {
            !after.is_empty() && after.iter().all(|word| AROUND.contains(word))
        }
        _ => false,
    }
}

/// Whether the text after someone says that a person is meant: someone real, someone who can help.
pub(super) fn is_human(after: &[&str]) -> bool {
    matches!(after, ["real" | "alive" | "human", ..])
        || matches!(after, ["who" | "that", rest @ ..] if rest.iter().any(|word| ["help", "understands", "understand", "answer"].contains(word)))
}

fn without_determiners<'a>(before: &'a [&'a str]) -> &'a [&'a str] {
    let count = before.iter().rev().take_while(|word| DETERMINERS.contains(word)).count();
    &before[..before.len() - count]
}
