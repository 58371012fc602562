//! Which resource a path names and which methods it has.

use lambda_http::http::Method;
use store::Kind;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    /// The description of the API.
    Describe,
    /// Who the caller is.
    Me,
    /// All bindings.
    ListBindings,
    /// Bind a mini program.
    Bind,
    /// One binding.
    ReadBinding(&'a str),
    /// Change a binding.
    ChangeBinding(&'a str),
    /// Take a binding away.
    Unbind(&'a str),
    /// What works about a binding and what does not.
    BindingHealth(&'a str),
    /// Make the secret that `session-from` is signed with.
    MakeSessionFromSecret(&'a str),
    /// What is known of a visitor.
    ReadVisitor(&'a str, &'a str),
    /// What a visitor and a mini program said to each other.
    VisitorMessages(&'a str, &'a str),
    /// All groups, agents, merchants, robots or calendars.
    ListRecords(Kind),
    /// Set up another.
    CreateRecord(Kind),
    /// One of them.
    ReadRecord(Kind, &'a str),
    /// Change one.
    ChangeRecord(Kind, &'a str),
    /// Take one away.
    DeleteRecord(Kind, &'a str),
    /// An agent comes, goes, or takes a break.
    SetStatus(&'a str),
    /// An agent is still there.
    Heartbeat(&'a str),
    /// What a robot knows.
    ListQuestions(&'a str),
    /// Teach a robot one question.
    CreateQuestion(&'a str),
    /// Replace all that a robot knows.
    ReplaceQuestions(&'a str),
    /// One question.
    ReadQuestion(&'a str, &'a str),
    /// Change a question.
    ChangeQuestion(&'a str, &'a str),
    /// Take a question away.
    DeleteQuestion(&'a str, &'a str),
    /// Which questions a text finds.
    TryRobot(&'a str),
    /// Conversations: all, one's own, those that wait, messages that were left.
    ListConversations,
    /// One conversation.
    ReadConversation(&'a str),
    /// Take a conversation.
    Claim(&'a str),
    /// Take up a conversation that was assigned.
    Accept(&'a str),
    /// Hand a conversation on.
    Transfer(&'a str),
    /// End a conversation.
    CloseConversation(&'a str),
    /// Show the visitor that somebody is typing.
    Type(&'a str),
    /// What happened in a conversation.
    ListEvents(&'a str),
    /// The messages of a conversation.
    ListMessages(&'a str),
    /// Say something.
    Say(&'a str),
    /// Take a held text back.
    TakeBack(&'a str, &'a str),
    /// Who would get a conversation, and why.
    Simulate,
    /// Write a `session-from`.
    BuildSessionFrom,
    /// Read a `session-from`.
    ParseSessionFrom,
    /// All tokens of the API.
    ListAccessTokens,
    /// Make a token.
    CreateAccessToken,
    /// Take a token away.
    DeleteAccessToken(&'a str),
}

impl Operation<'_> {
    /// Whether an agent's token is not enough.
    pub fn is_for_admins(&self) -> bool {
        !matches!(
            self,
            Self::Describe
                | Self::Me
                | Self::SetStatus(_)
                | Self::Heartbeat(_)
                // Whom a conversation can be handed to.
                | Self::ListRecords(Kind::Agent | Kind::Group)
                | Self::ReadRecord(Kind::Agent | Kind::Group, _)
                // Whom they talk to.
                | Self::ReadVisitor(..)
                | Self::ListConversations
                | Self::ReadConversation(_)
                | Self::Claim(_)
                | Self::Accept(_)
                | Self::Transfer(_)
                | Self::CloseConversation(_)
                | Self::Type(_)
                | Self::ListEvents(_)
                | Self::ListMessages(_)
                | Self::Say(_)
                | Self::TakeBack(..)
                | Self::Simulate
                | Self::BuildSessionFrom
                | Self::ParseSessionFrom
        )
    }
}

/// Where a request leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routed<'a> {
    /// To this operation.
    Operation(Operation<'a>),
    /// To a resource that has other methods, named as `Allow` names them.
    OtherMethods(String),
    /// Nowhere.
    Nothing,
}

/// The operation of a method on a path.
pub fn route<'a>(method: &Method, path: &'a str) -> Routed<'a> {
    let operations = operations(path);
    if operations.is_empty() {
        return Routed::Nothing;
    }
    match operations.iter().find(|(of, _)| of == method) {
        Some((_, operation)) => Routed::Operation(*operation),
        None => Routed::OtherMethods(operations.iter().map(|(of, _)| of.as_str()).collect::<Vec<_>>().join(", ")),
    }
}

/// Everything that can be done with a path.
fn operations(path: &str) -> Vec<(Method, Operation<'_>)> {
    use Operation as Op;
    let segments: Vec<&str> = path.strip_prefix("/api/").unwrap_or_default().split('/').collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Vec::new();
    }
    match segments.as_slice() {
        ["openapi.json"] => vec![(Method::GET, Op::Describe)],
        ["me"] => vec![(Method::GET, Op::Me)],
        ["bindings", rest @ ..] => of_bindings(rest),
        ["conversations", rest @ ..] => of_conversations(rest),
        ["agents", id, "status"] => vec![(Method::PUT, Op::SetStatus(id))],
        ["agents", id, "heartbeat"] => vec![(Method::POST, Op::Heartbeat(id))],
        ["robots", id, "try"] => vec![(Method::POST, Op::TryRobot(id))],
        ["robots", id, "questions"] => vec![
            (Method::GET, Op::ListQuestions(id)),
            (Method::POST, Op::CreateQuestion(id)),
            (Method::PUT, Op::ReplaceQuestions(id)),
        ],
        ["robots", id, "questions", question] => vec![
            (Method::GET, Op::ReadQuestion(id, question)),
            (Method::PATCH, Op::ChangeQuestion(id, question)),
            (Method::DELETE, Op::DeleteQuestion(id, question)),
        ],
        ["routing", "simulate"] => vec![(Method::POST, Op::Simulate)],
        ["session-from", "build"] => vec![(Method::POST, Op::BuildSessionFrom)],
        ["session-from", "parse"] => vec![(Method::POST, Op::ParseSessionFrom)],
        ["access-tokens"] => vec![(Method::GET, Op::ListAccessTokens), (Method::POST, Op::CreateAccessToken)],
        ["access-tokens", id] => vec![(Method::DELETE, Op::DeleteAccessToken(id))],
        [records] => match kind(records) {
            Some(kind) => vec![(Method::GET, Op::ListRecords(kind)), (Method::POST, Op::CreateRecord(kind))],
            None => Vec::new(),
        },
        [records, id] => match kind(records) {
            Some(kind) => vec![
                (Method::GET, Op::ReadRecord(kind, id)),
                (Method::PATCH, Op::ChangeRecord(kind, id)),
                (Method::DELETE, Op::DeleteRecord(kind, id)),
            ],
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn of_bindings<'a>(segments: &[&'a str]) -> Vec<(Method, Operation<'a>)> {
    use Operation as Op;
    match *segments {
        [] => vec![(Method::GET, Op::ListBindings), (Method::POST, Op::Bind)],
        [app_id] => vec![
            (Method::GET, Op::ReadBinding(app_id)),
            (Method::PATCH, Op::ChangeBinding(app_id)),
            (Method::DELETE, Op::Unbind(app_id)),
        ],
        [app_id, "health"] => vec![(Method::GET, Op::BindingHealth(app_id))],
        [app_id, "session-from-secret"] => vec![(Method::POST, Op::MakeSessionFromSecret(app_id))],
        [app_id, "visitors", openid] => vec![(Method::GET, Op::ReadVisitor(app_id, openid))],
        [app_id, "visitors", openid, "messages"] => vec![(Method::GET, Op::VisitorMessages(app_id, openid))],
        _ => Vec::new(),
    }
}

fn of_conversations<'a>(segments: &[&'a str]) -> Vec<(Method, Operation<'a>)> {
    use Operation as Op;
    match *segments {
        [] => vec![(Method::GET, Op::ListConversations)],
        [cid] => vec![(Method::GET, Op::ReadConversation(cid))],
        [cid, "messages"] => vec![(Method::GET, Op::ListMessages(cid)), (Method::POST, Op::Say(cid))],
        [cid, "messages", id] => vec![(Method::DELETE, Op::TakeBack(cid, id))],
        [cid, "events"] => vec![(Method::GET, Op::ListEvents(cid))],
        [cid, "claim"] => vec![(Method::POST, Op::Claim(cid))],
        [cid, "accept"] => vec![(Method::POST, Op::Accept(cid))],
        [cid, "transfer"] => vec![(Method::POST, Op::Transfer(cid))],
        [cid, "close"] => vec![(Method::POST, Op::CloseConversation(cid))],
        [cid, "typing"] => vec![(Method::POST, Op::Type(cid))],
        _ => Vec::new(),
    }
}

/// What an admin sets up is found under its kind's plural.
fn kind(plural: &str) -> Option<Kind> {
    let kinds = [Kind::Group, Kind::Agent, Kind::Merchant, Kind::Robot, Kind::Calendar];
    kinds.into_iter().find(|kind| plural.strip_suffix('s') == Some(kind.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every path and method of the description leads somewhere, and every operation is described. `cards` is
    /// another function's.
    #[test]
    fn the_description_and_the_routes_are_the_same() {
        let description: serde_json::Value = serde_json::from_str(crate::OPENAPI).unwrap();
        let mut described = Vec::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                described.push((path.clone(), method.to_uppercase()));
            }
        }
        let cards = ("/api/conversations/{cid}/cards".to_owned(), "POST".to_owned());
        assert!(described.contains(&cards));
        for (path, method) in &described {
            let routed = route(&method.parse().unwrap(), path);
            let ours = matches!(routed, Routed::Operation(_));
            assert!(ours || (path, method) == (&cards.0, &cards.1), "{method} {path} is described but leads nowhere");
        }
        for path in described.iter().map(|(path, _)| path) {
            for (method, _) in operations(path) {
                assert!(described.contains(&(path.clone(), method.to_string())), "{method} {path} is not described");
            }
        }
        let distinct: std::collections::HashSet<_> = described.iter().collect();
        assert_eq!(distinct.len(), described.len());
    }

    #[test]
    fn what_is_no_resource_leads_nowhere() {
        for path in ["", "/", "/api", "/api/", "/api/nothing", "/api/bindings/", "/api/bindings//health", "/bindings"] {
            assert_eq!(route(&Method::GET, path), Routed::Nothing, "{path}");
        }
        assert_eq!(route(&Method::PUT, "/api/bindings"), Routed::OtherMethods("GET, POST".to_owned()));
    }
}
