//! How the reference moves a conversation from one holder to the next, and to whom those who wait go.

use desk::settings::Reception;

use super::{Goes, Holder, Model};

impl Model {
    /// Takes a conversation from whoever has it and gives it a new holder.
    pub(super) fn leave(&mut self, cid: &str, holder: Holder) {
        self.let_go(cid);
        match &holder {
            Holder::Agent(agent) => {
                let state = self.agents.get_mut(agent).unwrap();
                state.load += 1;
                state.last_assigned_at = Some(self.now.as_millisecond());
                let visitor = self.visitors.entry(self.threads[cid].clone()).or_default();
                visitor.last_agent = Some((agent.clone(), self.now));
            }
            Holder::Left => self.stand(cid, "left-messages", 0),
            _ => {}
        }
        self.holders.insert(cid.to_owned(), holder);
    }

    pub(super) fn end(&mut self, cid: &str) {
        self.let_go(cid);
        self.holders.remove(cid);
        self.visitors.entry(self.threads[cid].clone()).or_default().open_cid = None;
    }

    fn let_go(&mut self, cid: &str) {
        for line in self.lines.values_mut() {
            line.retain(|_, of| of != cid);
        }
        self.lines.retain(|_, line| !line.is_empty());
        self.handed_on.remove(cid);
        if let Some(Holder::Agent(agent)) = self.holders.get(cid) {
            self.agents.get_mut(agent).unwrap().load -= 1;
        }
    }

    fn stand(&mut self, cid: &str, queue: &str, priority: u32) {
        let place = format!("{:013}#{cid}", self.now.as_millisecond() - i64::from(priority) * 600_000);
        self.lines.entry(queue.to_owned()).or_default().insert(place, cid.to_owned());
    }

    pub(super) fn assign(&mut self, cid: &str, agent: &str) {
        self.leave(cid, Holder::Agent(agent.to_owned()));
    }

    pub(super) fn enqueue(&mut self, cid: &str, queue: &str, reception: &Reception) {
        self.leave(cid, Holder::Queue(queue.to_owned()));
        self.stand(cid, queue, reception.priority);
    }

    pub(super) fn go(&mut self, cid: &str, goes: Goes, robot: bool, reception: &Reception) {
        match goes {
            Goes::To(agent) => self.assign(cid, &agent),
            Goes::Waits(queue) => {
                self.enqueue(cid, &queue, reception);
                self.drain(&[queue]);
            }
            Goes::Robot if robot => self.leave(cid, Holder::Robot),
            Goes::Left | Goes::Robot => self.leave(cid, Holder::Left),
        }
    }

    pub(crate) fn drain_for(&mut self, agent: &str) {
        let groups = self.is_in.get(agent).into_iter().flatten().map(|group| format!("group:{group}"));
        let queues: Vec<String> = std::iter::once(format!("agent:{agent}")).chain(groups).collect();
        self.drain(&queues);
    }

    /// The one who has waited longest, of those who have somebody free, goes to the best of these; and again.
    pub(super) fn drain(&mut self, queues: &[String]) {
        while let Some((_, cid, agent)) = queues.iter().filter_map(|queue| self.next(queue)).min() {
            self.assign(&cid, &agent);
        }
    }

    /// Who is next in a queue: their place, and to whom they go.
    pub(crate) fn next(&self, queue: &str) -> Option<(String, String, String)> {
        let mut line = self.lines.get(queue)?.iter();
        line.find_map(|(place, cid)| Some((place.clone(), cid.clone(), self.free_for(queue, cid)?)))
    }
}
