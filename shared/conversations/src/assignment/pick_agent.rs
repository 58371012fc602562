//! Which of the agents that a routing decision found gets the conversation.

use desk::{
    routing::{Facts, Target},
    staff::{AgentFacts, choose_agent, rank_free_agents},
};

use super::Assigner;
use crate::{decision::Decision, routing::RoutingContext};

impl Assigner {
    /// The agent who gets the decision's conversation, with the load that includes the assignments in flight.
    pub(super) fn pick_agent(
        &self,
        decision: &Decision<'_>,
        agents: &[String],
        group: Option<&str>,
        context: &RoutingContext<'_>,
    ) -> Option<AgentFacts> {
        let target = match group {
            Some(group) => Target::Group(group.to_owned()),
            None => Target::Agent(agents.first()?.clone()),
        };
        let with_in_flight = |agent: &AgentFacts| {
            let mut agent = agent.clone();
            agent.add_in_flight(self.in_flight.count(&agent.id));
            agent
        };
        let (group, members) = match context.facts.get(&target)? {
            Facts::Group { group, members, .. } => (group, members),
            Facts::Agent { agent, .. } => return Some(with_in_flight(agent)),
            Facts::Missing => return None,
        };
        let members: Vec<AgentFacts> = members.iter().map(with_in_flight).collect();
        let find = |id: &String| members.iter().find(|agent| agent.id == *id);
        if let Some(last) = context.plan.sticky.as_ref().filter(|last| agents.first() == Some(&last.agent)) {
            // The visitor's last agent comes before the group's strategy.
            return find(&last.agent).cloned();
        }
        let mut order = rank_free_agents(group.strategy, &members, None);
        if order.is_empty() {
            // The assignments in flight take the last places, unless they fail. The transaction decides.
            order = agents.to_vec();
        }
        let free: Vec<&AgentFacts> = order.iter().filter_map(find).collect();
        choose_agent(group.strategy, &free, decision.lost_races, &decision.thread.uid()).cloned()
    }
}
