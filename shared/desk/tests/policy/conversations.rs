//! Conversations: role by relation by action.

use desk::policy::{Action, AppIds, Caller, ConversationFacts, Grant, Holder, Relation, Scope, Subject, may, relation};

use crate::{admin, agent, closed, conversation, integrator, member, set, supervisor, verdict, with};

/// Rows are actions, columns are how the agent stands to the conversation.
const AGENT: &str = "
                        own     waiting      colleague  earlier  stranger
    ReadConversation    allow   allow        allow      allow    hide
    OpenFrame           allow   allow        allow      allow    hide
    SendMessage         allow   claims       taken      allow    hide
    ShowTyping          allow   claims       taken      allow    hide
    TakeBackMessage     allow   claim-first  taken      allow    hide
    ClaimConversation   allow   allow        taken      allow    hide
    ClaimForAgent       refuse  refuse       refuse     refuse   refuse
    AcceptConversation  allow   claim-first  taken      allow    hide
    TransferConversation allow  claim-first  taken      allow    hide
    CloseConversation   allow   claim-first  taken      allow    hide
";

/// The same for a supervisor; `led-…` are conversations of a group that they supervise. Without a group of theirs a
/// supervisor is an agent.
const SUPERVISOR: &str = "
                        own     waiting      colleague  earlier  stranger  led-waiting  led-taken  led-closed
    ReadConversation    allow   allow        allow      allow    hide      allow        allow      allow
    OpenFrame           allow   allow        allow      allow    hide      allow        allow      allow
    SendMessage         allow   claims       taken      allow    hide      claims       taken      allow
    ShowTyping          allow   claims       taken      allow    hide      claims       taken      allow
    TakeBackMessage     allow   claim-first  taken      allow    hide      allow        allow      allow
    ClaimConversation   allow   allow        taken      allow    hide      allow        allow      allow
    ClaimForAgent       allow   refuse       taken      allow    hide      allow        allow      allow
    AcceptConversation  allow   claim-first  taken      allow    hide      claim-first  taken      allow
    TransferConversation allow  claim-first  taken      allow    hide      allow        allow      allow
    CloseConversation   allow   claim-first  taken      allow    hide      allow        allow      allow
";

fn action(name: &str) -> Action {
    Action::ALL.into_iter().find(|action| format!("{action:?}") == name).unwrap()
}

/// The conversations of a column.
fn column(name: &str) -> Vec<ConversationFacts> {
    match name {
        "own" => vec![
            conversation(with("a-me"), &["g-open"]),
            conversation(with("a-me"), &["g-other"]),
            conversation(with("a-me"), &[]),
        ],
        "waiting" => {
            let mut by_name = conversation(Holder::Unassigned, &["g-other"]);
            by_name.routed_to = set(&["a-me", "a-other"]);
            vec![
                conversation(Holder::Unassigned, &["g-open"]),
                conversation(Holder::Unassigned, &["g-other", "g-closed"]),
                conversation(Holder::Unassigned, &[]),
                by_name,
            ]
        }
        "colleague" => vec![
            conversation(with("a-other"), &["g-open"]),
            conversation(with("a-other"), &["g-closed", "g-open"]),
            conversation(with("a-other"), &[]),
        ],
        "earlier" => vec![
            conversation(closed(Some("a-me"), None), &["g-other"]),
            conversation(closed(Some("a-other"), Some("a-me")), &["g-other"]),
            conversation(closed(None, Some("a-me")), &[]),
        ],
        "stranger" => {
            let mut routed_to_me = conversation(with("a-other"), &["g-other"]);
            routed_to_me.routed_to = set(&["a-me"]);
            vec![
                conversation(with("a-other"), &["g-other"]),
                conversation(with("a-other"), &["g-closed"]),
                conversation(Holder::Unassigned, &["g-other"]),
                conversation(closed(Some("a-other"), None), &["g-open"]),
                conversation(closed(None, Some("a-other")), &[]),
                routed_to_me,
            ]
        }
        "led-waiting" => vec![conversation(Holder::Unassigned, &["g-led", "g-other"])],
        "led-taken" => vec![conversation(with("a-other"), &["g-led"])],
        "led-closed" => vec![conversation(closed(Some("a-other"), None), &["g-led"])],
        _ => panic!("no column is named {name}"),
    }
}

fn check(caller: &Caller, table: &str) {
    let mut lines = table.lines().filter(|line| !line.trim().is_empty());
    let columns: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    let mut actions = Vec::new();
    for line in lines {
        let mut cells = line.split_whitespace();
        let action = action(cells.next().unwrap());
        actions.push(action);
        for (name, cell) in columns.iter().zip(cells.by_ref()) {
            for facts in column(name) {
                let found = may(caller, action, &Subject::Conversation(&facts));
                assert_eq!(found, verdict(cell), "{action:?}, {name}: {facts:?}");
            }
        }
        assert_eq!(cells.next(), None, "{line}");
    }
    for action in Action::ALL.into_iter().filter(|action| is_about_conversations(*action)) {
        assert!(actions.contains(&action), "{action:?} has no row");
    }
}

fn is_about_conversations(action: Action) -> bool {
    format!("{action:?}").contains("Conversation") && action != Action::ListConversations
        || matches!(
            action,
            Action::SendMessage
                | Action::ShowTyping
                | Action::TakeBackMessage
                | Action::ClaimForAgent
                | Action::OpenFrame
        )
}

#[test]
fn agent_by_relation_and_action() {
    check(&agent(), AGENT);
}

#[test]
fn supervisor_by_relation_and_action() {
    check(&supervisor(), SUPERVISOR);
}

#[test]
fn admin_may_do_everything_to_every_conversation_but_write_into_an_agents() {
    for facts in ["own", "waiting", "colleague", "earlier", "stranger"].into_iter().flat_map(column) {
        for action in Action::ALL {
            let expected = match &facts.holder {
                _ if !action.shows_at_visitor() => "allow",
                Holder::Agent(_) => "taken",
                Holder::Unassigned => "in-place-of-robot",
                Holder::Closed { .. } => "allow",
            };
            assert_eq!(may(&admin(), action, &Subject::Conversation(&facts)), verdict(expected), "{action:?}");
        }
    }
}

#[test]
fn admin_and_integrator_write_as_the_agent_of_their_token() {
    let scopes = Scope::ALL.into();
    for grant in [Grant::Admin, Grant::Integrator { scopes, app_ids: AppIds::All }] {
        let caller = Caller::new(&grant, member());
        for action in [Action::SendMessage, Action::ShowTyping] {
            for (holder, expected) in
                [(with("a-me"), "allow"), (with("a-other"), "taken"), (Holder::Unassigned, "claims")]
            {
                let facts = conversation(holder, &["g-other"]);
                assert_eq!(may(&caller, action, &Subject::Conversation(&facts)), verdict(expected), "{facts:?}");
            }
        }
    }
}

#[test]
fn integrator_needs_the_scope_and_the_mini_program() {
    let facts = conversation(closed(None, None), &["g-other"]);
    let subject = Subject::Conversation(&facts);
    let reads = [Action::ReadConversation];
    let writes = [Action::SendMessage, Action::ShowTyping, Action::TakeBackMessage];
    for action in Action::ALL.into_iter().filter(|action| is_about_conversations(*action)) {
        let needed = match action {
            _ if reads.contains(&action) => Some(Scope::ConversationsRead),
            _ if writes.contains(&action) => Some(Scope::MessagesWrite),
            _ => None,
        };
        for scope in Scope::ALL {
            let named = |app_id: &str| AppIds::Named(set(&[app_id]));
            let found = [AppIds::All, named("wx01"), named("wx02")]
                .map(|app_ids| may(&integrator(&[scope], app_ids), action, &subject));
            let expected = if needed == Some(scope) { ["allow", "allow", "hide"] } else { ["refuse"; 3] };
            assert_eq!(found, expected.map(verdict), "{action:?} with {}", scope.as_str());
        }
    }
}

#[test]
fn relations_are_what_the_columns_say() {
    for (name, expected) in [
        ("own", Relation::Own),
        ("waiting", Relation::Waiting),
        ("colleague", Relation::Colleague),
        ("earlier", Relation::Earlier),
        ("stranger", Relation::Stranger),
    ] {
        for facts in column(name) {
            assert_eq!(relation(&member(), &facts), expected, "{facts:?}");
        }
    }
}
