//! What holds for every caller and every conversation.

use std::collections::BTreeSet;

use desk::{
    policy::{Action, Caller, ConversationFacts, Grant, Groups, Holder, Member, Subject, Verdict, may, may_ever},
    staff::Visibility,
};
use proptest::{collection::btree_map, collection::btree_set, option, prelude::*, sample::select};

const AGENTS: [&str; 3] = ["a1", "a2", "a3"];
const GROUPS: [&str; 4] = ["g1", "g2", "g3", "g4"];

fn id(among: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(among).prop_map(ToOwned::to_owned)
}

fn groups() -> impl Strategy<Value = BTreeSet<String>> {
    btree_set(id(&GROUPS), 0..3)
}

fn holder() -> impl Strategy<Value = Holder> {
    prop_oneof![
        Just(Holder::Unassigned),
        id(&AGENTS).prop_map(Holder::Agent),
        (option::of(id(&AGENTS)), option::of(id(&AGENTS)))
            .prop_map(|(last_agent, visitor_is_with)| Holder::Closed { last_agent, visitor_is_with }),
    ]
}

pub(crate) fn conversation() -> impl Strategy<Value = ConversationFacts> {
    (holder(), groups(), btree_set(id(&AGENTS), 0..2)).prop_map(|(holder, group_ids, routed_to)| ConversationFacts {
        app_id: "wx01".to_owned(),
        holder,
        group_ids,
        routed_to,
    })
}

fn member() -> impl Strategy<Value = Member> {
    let visibility = prop_oneof![Just(Visibility::Own), Just(Visibility::Group)];
    (option::of(id(&AGENTS)), btree_map(id(&GROUPS), visibility, 0..4))
        .prop_map(|(agent_id, groups)| Member { agent_id, groups })
}

pub(crate) fn caller() -> impl Strategy<Value = Caller> {
    (member(), option::of(groups())).prop_map(|(member, supervised)| match supervised {
        Some(group_ids) => Caller::new(&Grant::Supervisor { group_ids }, member),
        None => Caller::new(&Grant::Agent, member),
    })
}

proptest! {
    /// The API decides without the caller's groups first and reads them only when that does not suffice.
    #[test]
    fn more_groups_never_permit_less(member in member(), conversation in conversation()) {
        let subject = Subject::Conversation(&conversation);
        for grant in [Grant::Agent, Grant::Supervisor { group_ids: BTreeSet::new() }] {
            let without = Caller::new(&grant, Member { groups: Groups::new(), ..member.clone() });
            let with = Caller::new(&grant, member.clone());
            for action in Action::ALL {
                if may(&without, action, &subject) == Verdict::Allow {
                    prop_assert_eq!(may(&with, action, &subject), Verdict::Allow, "{:?}", action);
                }
            }
        }
    }

    /// A refusal that names the assignee, and a permission of any kind, are only given for what the caller may read.
    #[test]
    fn what_cannot_be_read_is_hidden_or_refused(caller in caller(), conversation in conversation()) {
        let subject = Subject::Conversation(&conversation);
        if may(&caller, Action::ReadConversation, &subject) == Verdict::Hide {
            for action in Action::ALL {
                let verdict = may(&caller, action, &subject);
                prop_assert!(matches!(verdict, Verdict::Hide | Verdict::Refuse), "{:?}: {:?}", action, verdict);
            }
        }
    }

    /// Two agents never write into one conversation.
    #[test]
    fn only_the_assignee_writes(caller in caller(), conversation in conversation()) {
        let agent = caller.member().and_then(|member| member.agent_id.as_deref());
        if let Holder::Agent(assignee) = &conversation.holder {
            let verdict = may(&caller, Action::SendMessage, &Subject::Conversation(&conversation));
            prop_assert_eq!(verdict == Verdict::Allow, agent == Some(assignee.as_str()));
        }
    }

    #[test]
    fn what_a_role_may_never_do_is_refused_for_every_subject(caller in caller(), conversation in conversation()) {
        for action in Action::ALL.into_iter().filter(|action| !may_ever(&caller, *action)) {
            prop_assert_eq!(may(&caller, action, &Subject::Conversation(&conversation)), Verdict::Refuse);
            prop_assert_eq!(may(&caller, action, &Subject::Desk), Verdict::Refuse);
        }
    }
}
