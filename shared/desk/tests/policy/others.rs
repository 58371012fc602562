//! Everything that is not a conversation: visitors, bindings, settings, tokens.

use desk::policy::{
    Action, AppIds, Caller, Grant, GroupChange, Holder, Member, Scope, Subject, Verdict, VisitorFacts, may, may_ever,
};

use crate::{APP, ME, admin, agent, closed, conversation, integrator, member, set, supervisor, with};

/// Whether a role may ever do it, whatever to: admin, supervisor, agent, integrator with all scopes.
const EVER: [(Action, [bool; 4]); 36] = [
    (Action::ReadSelf, [true, true, true, true]),
    (Action::ListConversations, [true, true, true, true]),
    (Action::ReadConversation, [true, true, true, true]),
    (Action::SendMessage, [true, true, true, true]),
    (Action::ShowTyping, [true, true, true, true]),
    (Action::TakeBackMessage, [true, true, true, true]),
    (Action::ClaimConversation, [true, true, true, false]),
    (Action::ClaimForAgent, [true, true, false, false]),
    (Action::AcceptConversation, [true, true, true, false]),
    (Action::TransferConversation, [true, true, true, false]),
    (Action::CloseConversation, [true, true, true, false]),
    (Action::ReadVisitor, [true, true, true, true]),
    (Action::ReadVisitorMessages, [true, false, false, true]),
    (Action::NoteVisitor, [true, true, true, false]),
    (Action::ReadFrames, [true, true, true, false]),
    (Action::OpenFrame, [true, true, true, false]),
    (Action::ReadQuickReplies, [true, true, true, false]),
    (Action::WriteQuickReply, [true, true, true, false]),
    (Action::BlockVisitor, [true, true, true, false]),
    (Action::EraseVisitor, [true, false, false, false]),
    (Action::ExportVisitor, [true, false, false, false]),
    (Action::ListBindings, [true, true, false, true]),
    (Action::ReadBinding, [true, true, false, true]),
    (Action::ManageBindings, [true, false, false, false]),
    (Action::ReadStaff, [true, true, true, false]),
    (Action::ReadSettings, [true, true, false, false]),
    (Action::ManageSettings, [true, false, false, false]),
    (Action::ChangeGroup, [true, true, false, false]),
    (Action::ChangeCalendar, [true, true, false, false]),
    (Action::SetAgentStatus, [true, true, true, false]),
    (Action::SimulateRouting, [true, true, true, false]),
    (Action::ManageAccessTokens, [true, false, false, false]),
    (Action::SignIn, [true, true, true, false]),
    (Action::ManageSessions, [true, true, true, false]),
    (Action::OpenConnection, [true, true, true, false]),
    (Action::ReadAudit, [true, false, false, false]),
];

#[test]
fn every_action_is_decided_for_every_role() {
    assert_eq!(EVER.map(|(action, _)| action), Action::ALL);
    let callers = [admin(), supervisor(), agent(), integrator(&Scope::ALL, AppIds::All)];
    for (action, expected) in EVER {
        assert_eq!(callers.each_ref().map(|caller| may_ever(caller, action)), expected, "{action:?}");
    }
}

#[test]
fn integrator_without_scopes_reads_only_itself() {
    for action in Action::ALL {
        assert_eq!(may_ever(&integrator(&[], AppIds::All), action), action == Action::ReadSelf, "{action:?}");
    }
}

#[test]
fn bindings_of_other_mini_programs_are_hidden_from_integrators() {
    let caller = integrator(&[Scope::BindingsRead], AppIds::Named(set(&[APP])));
    for (app_id, expected) in [(APP, Verdict::Allow), ("wx02", Verdict::Hide)] {
        assert_eq!(may(&caller, Action::ReadBinding, &Subject::MiniProgram(app_id)), expected);
        assert_eq!(may(&caller, Action::ManageBindings, &Subject::MiniProgram(app_id)), Verdict::Refuse);
        assert_eq!(may(&supervisor(), Action::ReadBinding, &Subject::MiniProgram(app_id)), Verdict::Allow);
        assert_eq!(may(&agent(), Action::ReadBinding, &Subject::MiniProgram(app_id)), Verdict::Refuse);
    }
}

#[test]
fn visitors_are_visible_with_their_open_conversation_or_to_their_last_agent() {
    let visitor = |holder: Option<Holder>, group: &str, last_agent: Option<&str>| VisitorFacts {
        app_id: APP.to_owned(),
        open: holder.map(|holder| conversation(holder, &[group])),
        group_id: None,
        last_agent: last_agent.map(ToOwned::to_owned),
    };
    let (allow, hide) = (Verdict::Allow, Verdict::Hide);
    for (facts, of_agent, of_supervisor) in [
        (visitor(Some(with(ME)), "g-other", None), allow, allow),
        (visitor(Some(with("a-other")), "g-open", None), allow, allow),
        (visitor(Some(with("a-other")), "g-closed", None), hide, hide),
        (visitor(Some(with("a-other")), "g-led", None), hide, allow),
        (visitor(Some(Holder::Unassigned), "g-closed", None), allow, allow),
        (visitor(Some(Holder::Unassigned), "g-other", None), hide, hide),
        (visitor(Some(Holder::Unassigned), "g-other", Some(ME)), allow, allow),
        (visitor(None, "g-open", Some("a-other")), hide, hide),
        (visitor(None, "g-open", Some(ME)), allow, allow),
        (visitor(None, "g-open", None), hide, hide),
    ] {
        let may = |caller: &Caller| may(caller, Action::ReadVisitor, &Subject::Visitor(&facts));
        assert_eq!((may(&agent()), may(&supervisor())), (of_agent, of_supervisor), "{facts:?}");
        assert_eq!(may(&admin()), allow);
        let notes = |caller: Caller| desk::policy::may(&caller, Action::NoteVisitor, &Subject::Visitor(&facts));
        assert_eq!((notes(agent()), notes(supervisor()), notes(admin())), (of_agent, of_supervisor, allow));
        assert_eq!(notes(integrator(&Scope::ALL, AppIds::All)), Verdict::Refuse);
        let reader = |app_id: &str| integrator(&[Scope::ConversationsRead], AppIds::Named(set(&[app_id])));
        assert_eq!((may(&reader(APP)), may(&reader("wx02"))), (allow, hide));
    }
}

#[test]
fn visitor_is_blocked_by_their_agent_or_a_supervisor() {
    let visitor = |holder: Option<Holder>, group: &str, of_binding: &str, last_agent: Option<&str>| VisitorFacts {
        app_id: APP.to_owned(),
        open: holder.map(|holder| conversation(holder, &[group])),
        group_id: Some(of_binding.to_owned()),
        last_agent: last_agent.map(ToOwned::to_owned),
    };
    let (allow, hide, refuse) = (Verdict::Allow, Verdict::Hide, Verdict::Refuse);
    for (facts, of_agent, of_supervisor) in [
        (visitor(Some(with(ME)), "g-other", "g-other", None), allow, allow),
        (visitor(Some(with("a-other")), "g-open", "g-other", None), refuse, allow),
        (visitor(Some(with("a-other")), "g-closed", "g-other", None), hide, hide),
        (visitor(Some(with("a-other")), "g-led", "g-other", None), hide, allow),
        (visitor(Some(Holder::Unassigned), "g-closed", "g-other", None), refuse, allow),
        (visitor(None, "g-open", "g-other", Some(ME)), refuse, allow),
        (visitor(None, "g-open", "g-other", None), hide, hide),
        // A visitor who is blocked may have no conversation any more.
        (visitor(None, "g-open", "g-led", None), hide, allow),
    ] {
        let may = |caller: &Caller| may(caller, Action::BlockVisitor, &Subject::Visitor(&facts));
        assert_eq!((may(&agent()), may(&supervisor())), (of_agent, of_supervisor), "{facts:?}");
        assert_eq!(may(&admin()), allow);
        assert_eq!(may(&integrator(&Scope::ALL, AppIds::All)), refuse);
    }
}

#[test]
fn token_without_an_agent_is_not_the_last_agent() {
    let unknown = Caller::new(&Grant::Agent, Member::default());
    let facts = VisitorFacts { app_id: APP.to_owned(), open: None, group_id: None, last_agent: None };
    assert_eq!(may(&unknown, Action::ReadVisitor, &Subject::Visitor(&facts)), Verdict::Hide);
    let facts = conversation(closed(None, None), &[]);
    assert_eq!(may(&unknown, Action::ReadConversation, &Subject::Conversation(&facts)), Verdict::Hide);
}

#[test]
fn supervisor_changes_members_and_hours_of_supervised_groups_only() {
    let change = |id, only_members_and_hours| {
        let change = Subject::Group(GroupChange { id, only_members_and_hours });
        (may(&supervisor(), Action::ChangeGroup, &change), may(&agent(), Action::ChangeGroup, &change))
    };
    let refuse = Verdict::Refuse;
    assert_eq!(change("g-led", true), (Verdict::Allow, refuse));
    assert_eq!(change("g-led", false), (refuse, refuse));
    assert_eq!(change("g-open", true), (refuse, refuse));
}

#[test]
fn shared_quick_replies_are_written_by_supervisors_of_the_group_and_by_admins() {
    let may = |caller: &Caller, subject: &Subject<'_>| may(caller, Action::WriteQuickReply, subject);
    let group = |id| Subject::Group(GroupChange { id, only_members_and_hours: true });
    let (allow, refuse) = (Verdict::Allow, Verdict::Refuse);
    for (subject, of_agent, of_supervisor) in [
        (group("g-led"), refuse, allow),
        (group("g-open"), refuse, refuse),
        (Subject::Desk, refuse, refuse),
        (Subject::Agent(ME), allow, allow),
        (Subject::Agent("a-other"), refuse, refuse),
    ] {
        assert_eq!((may(&agent(), &subject), may(&supervisor(), &subject)), (of_agent, of_supervisor), "{subject:?}");
        assert_eq!(may(&admin(), &subject), allow);
    }
}

#[test]
fn supervisor_changes_calendars_that_only_supervised_groups_use() {
    for (used_by, expected) in [
        (&["g-led"][..], Verdict::Allow),
        (&["g-led", "g-open"], Verdict::Refuse),
        (&["g-open"], Verdict::Refuse),
        (&[], Verdict::Refuse),
    ] {
        let used_by = set(used_by);
        let subject = Subject::Calendar { used_by: &used_by };
        assert_eq!(may(&supervisor(), Action::ChangeCalendar, &subject), expected, "{used_by:?}");
    }
}

#[test]
fn supervisor_without_named_groups_supervises_those_of_the_agent() {
    let caller = Caller::new(&Grant::Supervisor { group_ids: set(&[]) }, member());
    let Caller::Supervisor { supervised, .. } = &caller else { panic!("{caller:?}") };
    assert_eq!(*supervised, set(&["g-open", "g-closed"]));
    let facts = conversation(with("a-other"), &["g-closed"]);
    assert_eq!(may(&caller, Action::CloseConversation, &Subject::Conversation(&facts)), Verdict::Allow);
}

#[test]
fn status_is_set_for_the_own_agent_only() {
    for caller in [agent(), supervisor()] {
        assert_eq!(may(&caller, Action::SetAgentStatus, &Subject::Agent(ME)), Verdict::Allow);
        assert_eq!(may(&caller, Action::SetAgentStatus, &Subject::Agent("a-other")), Verdict::Refuse);
    }
    assert_eq!(may(&admin(), Action::SetAgentStatus, &Subject::Agent("a-other")), Verdict::Allow);
}

#[test]
fn grant_in_json() {
    let grants = [
        (Grant::Admin, r#"{"role":"admin"}"#),
        (Grant::Agent, r#"{"role":"agent"}"#),
        (Grant::Supervisor { group_ids: set(&[]) }, r#"{"role":"supervisor"}"#),
        (Grant::Supervisor { group_ids: set(&["g1"]) }, r#"{"role":"supervisor","group_ids":["g1"]}"#),
        (
            Grant::Integrator { scopes: Scope::ALL.into(), app_ids: AppIds::All },
            r#"{"role":"integrator","scopes":["bindings:read","conversations:read","messages:write","tokens:read","webhooks"]}"#,
        ),
        (
            Grant::Integrator { scopes: [Scope::Webhooks].into(), app_ids: AppIds::Named(set(&[APP])) },
            r#"{"role":"integrator","scopes":["webhooks"],"app_ids":["wx01"]}"#,
        ),
    ];
    for (grant, json) in grants {
        assert_eq!(serde_json::to_string(&grant).unwrap(), json);
        assert_eq!(serde_json::from_str::<Grant>(json).unwrap(), grant);
    }
}
