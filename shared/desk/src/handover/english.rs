//! Whether a clause asks for a person, in English. The clause is normalized.

use unicode_segmentation::UnicodeSegmentation;

use super::word_list::{LOOKBACK_MAX, WordList};

/// These are asked for by their name alone.
const PERSONS: WordList =
    WordList("agent agents human humans representative representatives rep operator operators supervisor");
/// These need a verb that asks for them.
const ANYBODY: WordList =
    WordList("person people someone somebody anyone anybody staff manager advisor adviser specialist");

const CALLS: WordList = WordList(
    "talk talking speak speaking chat transfer connect reach contact get put pass switch escalate forward hand call find \
     redirect route bring send",
);
/// Wishes; not enough for those who are not asked for by name: I need someone's address.
const WISHES: WordList = WordList("want need prefer give like 有 要 找 转 叫 接 换 请");

/// Words between a negation and the person, or between a verb and the person.
const LINKS: WordList = WordList(
    "a an the any some your my me to with through over on in for of want wanna need like prefer wish have be being get \
     give let you u it us try trying going gonna ask asking asked please pls just really actual actually live real human \
     person customer client support service sales talk talking speak speaking chat chatting transfer transferred \
     transferring connect connected connecting reach contact put pass switch escalate forward hand call send bring \
     redirect route another different one help from interested needed agent 必 要 转 找 用",
);
const NEGATIONS: WordList = WordList("not no dont never without stop cancel isnt doesnt didnt wasnt nor");
/// In a clause of both languages.
const CHINESE_NEGATIONS: WordList = WordList("不 别");
/// Before a negation these make a complaint or a question of it: why don't you transfer me.
const QUESTIONS: WordList = WordList("why can could would will how");

/// With these a clause speaks of something else: cleaning agent, human hair, are you human.
const BEFORE_OTHER: WordList = WordList(
    "cleaning travel estate shipping freight user bleaching washing tanning whitening softening tour insurance",
);
const AFTER_OTHER: WordList =
    WordList("hair size sized resources resource rights body made error price fee discount code number hours");

/// Whether the clause asks for a person.
pub(super) fn asks(clause: &str) -> bool {
    let words = words(clause);
    let words: Vec<_> = words.iter().map(|word| &**word).collect();
    if asks_who(&words) {
        return false;
    }
    if refuses_machine(&words) {
        return true;
    }
    (0..words.len()).any(|at| {
        let (before, after) = (&words[..at], &words[at + 1..]);
        names(words[at], before, after) && !negated(before, &[NEGATIONS, CHINESE_NEGATIONS])
    })
}

/// Whether the visitor wants no machine: not a bot, I don't want to talk to a robot. Not who says what they are, and not where
/// a machine of another kind is meant: I don't need a robot vacuum.
fn refuses_machine(words: &[&str]) -> bool {
    const MACHINES: WordList = WordList("bot bots robot robots chatbot chatbots");
    const TALKS: WordList = WordList("talk talking speak speaking chat chatting speaking");
    const IDENTITY: WordList = WordList("am im is are was youre are isnt arent its be this");
    const BEHIND: WordList = WordList(
        "please pls thanks thank you anymore again ever now at all here answer answers answering reply replies replying to me",
    );
    (0..words.len()).any(|at| {
        let (before, after) = (&words[..at], &words[at + 1..]);
        let before: Vec<_> = before.iter().copied().filter(|word| !["this", "more", "stupid"].contains(word)).collect();
        let talks = before.iter().any(|word| TALKS.contains(word));
        let is_machine = MACHINES.contains(words[at]) || words[at] == "machine" && talks;
        let says_who = !talks && before.iter().any(|word| IDENTITY.contains(word));
        is_machine && !says_who && after.iter().all(|word| BEHIND.contains(word)) && negated(&before, &[NEGATIONS])
    })
}

/// Whether what comes after this text is refused by it in English.
pub(super) fn refuses(before: &str) -> bool {
    let words = words(before);
    negated(&words.iter().map(|word| &**word).collect::<Vec<_>>(), &[NEGATIONS])
}

fn words(clause: &str) -> Vec<String> {
    // Don't and dont are one word.
    clause.unicode_words().map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect()).collect()
}

fn names(word: &str, before: &[&str], after: &[&str]) -> bool {
    let last = before.last().copied().unwrap_or_default();
    if BEFORE_OTHER.contains(last) || after.first().is_some_and(|word| AFTER_OTHER.contains(word)) {
        return false;
    }
    let is_asked_by_name = || called(before, &[CALLS, WISHES]) || may_have(before) || is_alone(before, after);
    if PERSONS.contains(word) {
        return is_asked_by_name();
    }
    match (word, last) {
        ("support" | "service" | "care", "customer") | ("person", "real" | "live" | "actual") => is_asked_by_name(),
        // These may be bought or paid as well (support pillow, service fee): it takes the name of the desk.
        ("support" | "service", "to" | "your" | "live" | "tech" | "technical") => called(before, &[CALLS]),
        ("support" | "service" | "care", _) => false,
        // Is there anyone I can talk to?
        (word, _) if ANYBODY.contains(word) => called(before, &[CALLS]) || may_talk(after),
        _ => false,
    }
}

fn may_have(before: &[&str]) -> bool {
    before.contains(&"have") && before.iter().any(|word| ["can", "could", "may"].contains(word))
}

fn may_talk(after: &[&str]) -> bool {
    matches!(after, [.., "can" | "could", "talk" | "speak" | "chat", "to" | "with"])
}

/// Whether a verb calls what comes next: talk to a real …, 转 …
fn called(before: &[&str], verbs: &[WordList]) -> bool {
    let is_verb = |word: &&&str| verbs.iter().any(|verbs| verbs.contains(word));
    let linked = before.iter().rev().take(LOOKBACK_MAX).take_while(|word| LINKS.contains(word) || is_verb(word));
    linked.filter(is_verb).count() > 0
}

/// Whether nothing of weight stands beside it: agent please; hi, human!
fn is_alone(before: &[&str], after: &[&str]) -> bool {
    const BESIDE: WordList = WordList(
        "a an the real live human customer support service please pls plz now hi hello hey i want need any there is are \
         available here no not dont thanks thank immediately asap right being beings only agent online person id like chat",
    );
    before.iter().chain(after).all(|word| BESIDE.contains(word))
}

/// Whether the visitor asks who they are talking to: are you human, am I talking to a person.
fn asks_who(words: &[&str]) -> bool {
    let opens = matches!(words, ["are" | "r", "you" | "u", ..] | ["am", "i", ..] | ["is", "this" | "it", ..]);
    let is_request = words.iter().any(|word| ["transfer", "connect", "able", "put", "get", "let"].contains(word));
    opens && !is_request
}

/// Walks back from the person over what may stand between it and a negation. Two negations are none.
fn negated(before: &[&str], negations: &[WordList]) -> bool {
    const DOUBTS: WordList = WordList("think believe that");
    let mut negated = false;
    let mut rest = before;
    for _ in 0..LOOKBACK_MAX {
        let Some((word, left)) = rest.split_last() else { break };
        // No agent, no agent: the first refusal is not of the second agent.
        if negated && PERSONS.contains(word) {
            break;
        }
        let is_after_doubt = *word == "i" && left.last().is_some_and(|word| DOUBTS.contains(word));
        if negations.iter().any(|negations| negations.contains(word)) {
            // Why don't you, why not: the visitor does want it.
            negated ^= !left.iter().any(|word| QUESTIONS.contains(word));
        } else if !(is_after_doubt || DOUBTS.contains(word) || LINKS.contains(word) || WISHES.contains(word)) {
            break;
        }
        rest = left;
    }
    negated
}
