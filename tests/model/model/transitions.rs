//! Changes of hands and queue drains of the reference.

use desk::settings::Reception;

use super::{Holder, Model, RoutedTo};

impl Model {
    /// Gives a conversation to a new holder.
    pub(super) fn set_holder(&mut self, cid: &str, holder: Holder) {
        self.release(cid);
        match &holder {
            Holder::Agent(agent) => {
                let state = self.agents.get_mut(agent).unwrap();
                state.load += 1;
                state.last_assigned_at = Some(self.now.as_millisecond());
                let visitor = self.visitors.entry(self.threads[cid].clone()).or_default();
                visitor.last_agent = Some((agent.clone(), self.now));
            }
            Holder::Left => self.add_to_queue(cid, "left-messages", 0),
            _ => {}
        }
        self.holders.insert(cid.to_owned(), holder);
    }

    pub(super) fn end(&mut self, cid: &str) {
        self.release(cid);
        self.holders.remove(cid);
        self.visitors.entry(self.threads[cid].clone()).or_default().open_cid = None;
    }

    fn release(&mut self, cid: &str) {
        for line in self.lines.values_mut() {
            line.retain(|_, of| of != cid);
        }
        self.lines.retain(|_, line| !line.is_empty());
        self.handed_on.remove(cid);
        if let Some(Holder::Agent(agent)) = self.holders.get(cid) {
            self.agents.get_mut(agent).unwrap().load -= 1;
        }
    }

    fn add_to_queue(&mut self, cid: &str, queue: &str, priority: u32) {
        let place = format!("{:013}#{cid}", self.now.as_millisecond() - i64::from(priority) * 600_000);
        self.lines.entry(queue.to_owned()).or_default().insert(place, cid.to_owned());
    }

    pub(super) fn assign(&mut self, cid: &str, agent: &str) {
        self.set_holder(cid, Holder::Agent(agent.to_owned()));
    }

    pub(super) fn enqueue(&mut self, cid: &str, queue: &str, reception: &Reception) {
        self.set_holder(cid, Holder::Queue(queue.to_owned()));
        self.add_to_queue(cid, queue, reception.priority);
        let app_id = self.threads[cid].split('#').nth(1).unwrap().to_owned();
        self.users.entry(queue.to_owned()).or_default().insert(store::queue_share(&app_id));
    }

    pub(super) fn apply_route(&mut self, cid: &str, goes: RoutedTo, robot: bool, reception: &Reception) {
        match goes {
            RoutedTo::To(agent) => self.assign(cid, &agent),
            RoutedTo::Waits(queue) => {
                self.enqueue(cid, &queue, reception);
                self.drain(&[queue]);
            }
            RoutedTo::Robot if robot => self.set_holder(cid, Holder::Robot),
            RoutedTo::Left | RoutedTo::Robot => self.set_holder(cid, Holder::Left),
        }
    }

    pub(crate) fn drain_for(&mut self, agent: &str) {
        let groups = self.is_in.get(agent).into_iter().flatten().map(|group| format!("group:{group}"));
        let queues: Vec<String> = std::iter::once(format!("agent:{agent}")).chain(groups).collect();
        self.drain(&queues);
    }

    /// Assigns the longest waiting conversation that has a free agent to the best of them, until there is none.
    pub(super) fn drain(&mut self, queues: &[String]) {
        while let Some((_, cid, agent)) = queues.iter().filter_map(|queue| self.next(queue)).min() {
            self.assign(&cid, &agent);
        }
    }

    /// The next conversation of a queue that can be assigned: its place, its id and the agent.
    pub(crate) fn next(&self, queue: &str) -> Option<(String, String, String)> {
        let mut line = self.lines.get(queue)?.iter();
        line.find_map(|(place, cid)| Some((place.clone(), cid.clone(), self.free_for(queue, cid)?)))
    }
}
