//! What happens next when something has come in from a visitor.

/// What the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation<'a> {
    /// What came in.
    pub arrival: Arrival,
    /// The visitor's open conversation, if there is one.
    pub conversation: Option<Conversation>,
    /// The binding's automatic reply.
    pub auto_reply: Option<&'a str>,
}

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Something the visitor wrote, of whatever kind.
    Message,
    /// Something that happened, such as entering by the contact button: nobody waits for an answer to it.
    Event,
}

/// What is known of an open conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversation {
    /// A person has replied in it.
    pub answered: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'a> {
    /// It is noted with the visitor; no conversation is opened for it.
    Note,
    /// It belongs to the open conversation, or opens one.
    Converse {
        /// What to answer at once.
        reply: Option<&'a str>,
    },
}

/// Decides. The automatic reply answers every message until a person has replied: from then on the visitor talks
/// to somebody, and a machine that cuts in would use up the few replies that WeChat grants.
pub fn decide<'a>(situation: &Situation<'a>) -> Decision<'a> {
    match situation.arrival {
        Arrival::Event => Decision::Note,
        Arrival::Message => {
            let answered = situation.conversation.is_some_and(|conversation| conversation.answered);
            Decision::Converse { reply: situation.auto_reply.filter(|text| !answered && !text.is_empty()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_situation_has_one_outcome() {
        let none = None;
        let fresh = Some(Conversation { answered: false });
        let answered = Some(Conversation { answered: true });
        let reply = |reply| Decision::Converse { reply };
        for (arrival, conversation, auto_reply, expected) in [
            (Arrival::Event, none, Some("hi"), Decision::Note),
            (Arrival::Event, answered, Some("hi"), Decision::Note),
            (Arrival::Message, none, None, reply(None)),
            (Arrival::Message, none, Some(""), reply(None)),
            (Arrival::Message, none, Some("hi"), reply(Some("hi"))),
            (Arrival::Message, fresh, Some("hi"), reply(Some("hi"))),
            (Arrival::Message, answered, Some("hi"), reply(None)),
        ] {
            let situation = Situation { arrival, conversation, auto_reply };
            assert_eq!(decide(&situation), expected, "{situation:?}");
        }
    }
}
