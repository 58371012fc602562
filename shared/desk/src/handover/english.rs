//! English requests for a person. The clause is normalized. The rules are those of `chinese`.

use unicode_segmentation::UnicodeSegmentation;

use super::{
    english_offers,
    word_list::{LOOKBACK_MAX, WordList},
};

/// Nouns that are a request on their own.
const PERSONS: WordList =
    WordList("agent agents human humans representative representatives rep operator operators supervisor");
/// Nouns that need a verb that calls for them.
const STAFF: WordList =
    WordList("person people someone somebody anyone anybody staff manager advisor adviser specialist");

const CALLS: WordList = WordList(
    "talk talking speak speaking chat transfer connect reach contact get put pass switch escalate forward hand call find \
     redirect route bring send",
);
/// Verbs of wishing. They do not suffice before a noun of [`STAFF`]: I need someone's address.
const WISHES: WordList = WordList("want need prefer give like 有 要 找 转 叫 接 换 请");

/// Words between a negation and the person, or between a verb and the person.
const LINKS: WordList = WordList(
    "a an the any some your my me to with through over on in for of want wanna need like prefer wish have be being get \
     give let you u it us try trying going gonna ask asking asked please pls just really actual actually live real human \
     person customer client support service sales talk talking speak speaking chat chatting transfer transferred \
     transferring connect connected connecting reach contact put pass switch escalate forward hand call send bring \
     redirect route this it w another different one help from interested needed agent 必 要 转 找 用",
);
const NEGATIONS: WordList = WordList("not no dont never without stop cancel isnt doesnt didnt wasnt nor");
/// Chinese negations in a clause of both languages.
const CHINESE_NEGATIONS: WordList = WordList("不 别");
/// Words before a negation that turn it into a complaint or a question: why don't you transfer me.
const QUESTIONS: WordList = WordList("why how");

/// Words before a person that give it another meaning: cleaning agent.
const BEFORE_OTHER: WordList = WordList(
    "cleaning travel estate shipping freight user bleaching washing tanning whitening softening tour insurance",
);
/// Words after a person that give it another meaning: human hair.
const AFTER_OTHER: WordList =
    WordList("hair size sized resources resource rights body made error price fee discount code number hours");

/// Whether the clause asks for a person.
pub(super) fn asks(clause: &str) -> bool {
    let words = words(clause);
    let words: Vec<_> = words.iter().map(|word| corrected(word)).collect();
    if asks_identity(&words) || is_about(&words) {
        return false;
    }
    if refuses_bot(&words) {
        return true;
    }
    (0..words.len()).any(|at| {
        let (before, after) = context(&words, at);
        names_person(words[at], before, after) && !is_negated(before, &[NEGATIONS, CHINESE_NEGATIONS])
    })
}

/// The words that are examined before and after a word. It bounds the work on hostile texts.
const CONTEXT_MAX: usize = 32;

fn context<'a>(words: &'a [&'a str], at: usize) -> (&'a [&'a str], &'a [&'a str]) {
    (&words[at.saturating_sub(CONTEXT_MAX)..at], &words[at + 1..words.len().min(at + 1 + CONTEXT_MAX)])
}

/// Whether the clause refuses a bot: not a bot, I don't want to talk to a robot. A statement about the visitor and another
/// kind of machine do not count: I don't need a robot vacuum.
fn refuses_bot(words: &[&str]) -> bool {
    const BOTS: WordList = WordList("bot bots robot robots chatbot chatbots");
    const TALK_VERBS: WordList = WordList("talk talking speak speaking chat chatting speaking");
    const IDENTITY: WordList = WordList("am im is are was youre are isnt arent its be this");
    const AFTER_BOT: WordList = WordList(
        "please pls thanks thank you anymore again ever now at all here answer answers answering reply replies replying to me",
    );
    (0..words.len()).any(|at| {
        let (before, after) = context(words, at);
        if !BOTS.contains(words[at]) && words[at] != "machine" {
            return false;
        }
        let before: Vec<_> = before.iter().copied().filter(|word| !["this", "more", "stupid"].contains(word)).collect();
        let talks = before.iter().any(|word| TALK_VERBS.contains(word));
        let is_machine = BOTS.contains(words[at]) || words[at] == "machine" && talks;
        let says_who = !talks && before.iter().any(|word| IDENTITY.contains(word));
        is_machine
            && !says_who
            && after.iter().all(|word| AFTER_BOT.contains(word))
            && is_negated(&before, &[NEGATIONS])
    })
}

/// Whether the text ends with an English negation of what follows it.
pub(super) fn refuses(before: &str) -> bool {
    let words = words(before);
    is_negated(&words.iter().map(|word| &**word).collect::<Vec<_>>(), &[NEGATIONS])
}

fn words(clause: &str) -> Vec<String> {
    // "don't" and "dont" become the same word.
    clause.unicode_words().map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect()).collect()
}

fn names_person(word: &str, before: &[&str], after: &[&str]) -> bool {
    let last = before.last().copied().unwrap_or_default();
    if BEFORE_OTHER.contains(last) || after.first().is_some_and(|word| AFTER_OTHER.contains(word)) {
        return false;
    }
    let is_asked_by_name =
        || called(before, &[CALLS, WISHES]) || may_have(before) || to_be_connected(before) || is_alone(before, after);
    if PERSONS.contains(word) {
        return is_asked_by_name() || english_offers::is_asked(before, after, true);
    }
    match (word, last) {
        ("support" | "service" | "care", "customer") => is_asked_by_name(),
        ("person" | "people" | "someone" | "somebody", "real" | "live" | "actual") => {
            is_asked_by_name() || english_offers::is_asked(before, after, true)
        }
        // On their own these nouns can be articles or fees (support pillow, service fee).
        ("support" | "service", "to" | "your" | "live" | "tech" | "technical") => called(before, &[CALLS]),
        ("support" | "service" | "care", _) => false,
        (word, _) if STAFF.contains(word) => {
            let is_person = word == "person";
            called(before, &[CALLS])
                || called(before, &[CALLS, WISHES])
                    && (is_person && after.is_empty() || english_offers::is_human(after))
                || english_offers::is_asked(before, after, is_person)
        }
        _ => false,
    }
}

/// Can I be connected to …; not: I was connected to …
fn to_be_connected(before: &[&str]) -> bool {
    const CONNECTED: WordList = WordList("connected transferred escalated forwarded redirected");
    before.windows(2).any(|pair| ["be", "get", "getting"].contains(&pair[0]) && CONNECTED.contains(pair[1]))
}

fn may_have(before: &[&str]) -> bool {
    before.contains(&"have") && before.iter().any(|word| ["can", "could", "may"].contains(word))
}

/// Whether the text ends with one of the verbs and words of [`LINKS`]: talk to a real …, 转 …
fn called(before: &[&str], verbs: &[WordList]) -> bool {
    let is_verb = |word: &&&str| verbs.iter().any(|verbs| verbs.contains(word));
    let linked = before.iter().rev().take(LOOKBACK_MAX).take_while(|word| LINKS.contains(word) || is_verb(word));
    linked.filter(is_verb).count() > 0
}

/// Whether the clause contains only words of politeness beside the person: agent please; hi, human!
fn is_alone(before: &[&str], after: &[&str]) -> bool {
    const POLITE_WORDS: WordList = WordList(
        "a an the real live human customer support service please pls plz now hi hello hey i want need any there is are \
         available here no not dont thanks thank immediately asap right being beings only agent online person id like chat",
    );
    before.iter().chain(after).all(|word| POLITE_WORDS.contains(word))
}

/// Whether the clause asks for the identity of the other side: are you human, am I talking to a person.
fn asks_identity(words: &[&str]) -> bool {
    let opens = matches!(words, ["are" | "r", "you" | "u", ..] | ["am", "i", ..] | ["is", "this" | "it", ..]);
    let is_request =
        words.iter().any(|word| ["possible", "transfer", "connect", "able", "put", "get", "let"].contains(word));
    opens && !is_request
}

/// Whether the clause is about people and asks for none: what other people said, what a word means, whether a person is needed.
fn is_about(words: &[&str]) -> bool {
    const SAYS: WordList = WordList("said says told tells asked wrote");
    const ASKED_FOR: WordList = WordList("i ive already just");
    let of_others = words
        .iter()
        .enumerate()
        .any(|(at, word)| SAYS.contains(word) && !words[..at].last().is_none_or(|subject| ASKED_FOR.contains(subject)));
    let is_needed = match words {
        ["do" | "does" | "must" | "should" | "did", subject, rest @ ..] => {
            ["must", "should"].contains(&words[0]) && *subject == "i"
                || rest.starts_with(&["need"])
                || rest.starts_with(&["have", "to"])
        }
        _ => false,
    };
    of_others || is_needed || words.iter().any(|word| ["mean", "means", "meaning", "difference"].contains(word))
}

/// The person that a misspelt word means, or the word: agnet, representitive.
fn corrected(word: &str) -> &str {
    const LONG: usize = 8;
    ["agent", "human", "operator", "representative", "supervisor", "customer"]
        .into_iter()
        .find(|known| {
            let is_close = word.len() == known.len() || word.len().abs_diff(known.len()) == 1 && known.len() >= LONG;
            let has_same_start = word.get(..2) == known.get(..2);
            is_close && has_same_start && strsim::osa_distance(word, known) == 1 && !word.ends_with('s')
        })
        .unwrap_or(word)
}

/// Whether a negation precedes the person. It searches backwards over [`LINKS`], at most [`LOOKBACK_MAX`] words; two negations
/// cancel each other.
fn is_negated(before: &[&str], negations: &[WordList]) -> bool {
    const DOUBTS: WordList = WordList("think believe that");
    let mut negated = false;
    let mut rest = before;
    for _ in 0..LOOKBACK_MAX {
        let Some((word, left)) = rest.split_last() else { break };
        // No agent, no agent: the first negation does not apply to the second agent.
        if negated && PERSONS.contains(word) {
            break;
        }
        let is_after_doubt = *word == "i" && left.last().is_some_and(|word| DOUBTS.contains(word));
        if negations.iter().any(|negations| negations.contains(word)) {
            // "why don't you" and "why not" are requests.
            negated ^= !left.iter().any(|word| QUESTIONS.contains(word));
        } else if !(is_after_doubt || DOUBTS.contains(word) || LINKS.contains(word) || WISHES.contains(word)) {
            break;
        }
        rest = left;
    }
    negated
}
