//! A simulation of visitors, sending functions that crash, and delayed pushes. Time is WeChat's, in milliseconds; each
//! reading of our clock is off by a random amount of up to [`CLOCK_SKEW`].

use std::{cmp::Reverse, collections::BinaryHeap};

use desk::quota::{MAX_SENDS, Quota, QuotaError};
use jiff::Timestamp;

use crate::{
    at,
    ledgers::Ledgers,
    model::{Fate, Habits, Kind, Plan, Seen, Step, WeChat},
};

const CLOCK_SKEW: i64 = 2000;

#[derive(Debug)]
struct Attempt {
    id: String,
    plan: Plan,
    reserved_at: i64,
    certain_until: Option<i64>,
    presented: u32,
    taken: u32,
    refusal: Option<QuotaError>,
    dead: bool,
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Known(Kind, i64),
    Part(usize),
    Again(usize),
    End(usize),
}

#[derive(Debug)]
pub(crate) struct World {
    habits: Habits,
    now: i64,
    noise: u64,
    wechat: WeChat,
    ledger: Ledgers,
    attempts: Vec<Attempt>,
    events: BinaryHeap<Reverse<(i64, Event)>>,
    pending_actions: u32,
    enter_ends: Vec<i64>,
    bounded: bool,
    pub(crate) seen: Seen,
}

impl World {
    pub(crate) fn new(habits: Habits, seed: u64) -> Self {
        Self {
            habits,
            now: 0,
            noise: seed,
            wechat: WeChat::default(),
            ledger: Ledgers::default(),
            attempts: Vec::new(),
            events: BinaryHeap::new(),
            pending_actions: 0,
            enter_ends: Vec::new(),
            bounded: false,
            seen: Seen::default(),
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Pass(time) => self.pass(*time),
            Step::Act { kind, delay, again } => {
                self.wechat.act(*kind, self.now);
                if *kind == Kind::Enter {
                    self.enter_ends.push(self.now + 60_000);
                }
                for delay in [Some(*delay), *again].into_iter().flatten() {
                    self.pending_actions += 1;
                    self.after(delay, Event::Known(*kind, self.now.div_euclid(1000)));
                }
            }
            Step::Send(plan) => self.reserve(plan.clone()),
        }
        self.check_invariants();
    }

    /// Lets all events happen, then checks that a message without a send close to it grants all replies.
    pub(crate) fn settle_down(&mut self) {
        // A function can run again after a day, and its reservation must expire as well.
        self.pass(49 * 3_600_000);
        assert!(self.events.is_empty());
        self.step(&Step::Act { kind: Kind::Message, delay: 400, again: None });
        self.pass(400);
        let quota = self.quota();
        assert_eq!((quota.replies_left, quota.uncertain_replies), (5, 0), "{:?}", self.ledger);
        self.seen.full += 1;
    }

    fn random(&mut self) -> u64 {
        self.noise = self.noise.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.noise ^ (self.noise >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 29)
    }

    fn coin(&mut self) -> bool {
        self.random().is_multiple_of(2)
    }

    /// A reading of our clock.
    fn clock(&mut self) -> Timestamp {
        let off = match self.random() % 4 {
            0 => -CLOCK_SKEW,
            1 => CLOCK_SKEW,
            _ => i64::try_from(self.random() % 4001).unwrap() - CLOCK_SKEW,
        };
        at(self.now + off)
    }

    fn quota(&mut self) -> Quota {
        let now = self.clock();
        self.ledger.quota(now)
    }

    fn after(&mut self, delay: i64, event: Event) {
        self.events.push(Reverse((self.now + delay, event)));
    }

    fn pass(&mut self, time: i64) {
        let until = self.now + time;
        while let Some(Reverse((due, event))) = self.events.peek().copied().filter(|Reverse((due, _))| *due <= until) {
            self.events.pop();
            self.now = due;
            self.handle(event);
            self.check_invariants();
        }
        self.now = until;
    }

    fn handle(&mut self, event: Event) {
        let now = self.clock();
        match event {
            Event::Known(kind, second) => {
                self.pending_actions -= 1;
                let forgets = self.habits.forgetful && self.coin();
                self.ledger.record(kind, at(second * 1000), now, forgets);
            }
            Event::Part(n) => self.present(n),
            Event::Again(n) => self.run_again(n),
            Event::End(n) => self.end(n),
        }
    }

    fn reserve(&mut self, plan: Plan) {
        let now = self.clock();
        let before = self.ledger.quota(now);
        let (Plan { parts, keep, gap, fate, .. }, certain) = (plan.clone(), before.replies_left);
        if self.habits.certain_only && parts + keep > certain {
            return;
        }
        let (n, id) = (self.attempts.len(), format!("send-{}", self.attempts.len()));
        let answer = self.ledger.reserve(&id, parts, keep, now);
        let after = self.ledger.quota(now);
        self.check_bound();
        match answer {
            Ok(()) => {
                assert!(
                    // A refusal of unknown order does not keep a reply from a send that leaves `keep` others.
                    parts + keep <= certain + before.uncertain_replies,
                    "{before:?} {plan:?}"
                );
                if !self.bounded {
                    assert_eq!(after.replies_left, certain.saturating_sub(parts), "{before:?} {after:?} {plan:?}");
                    assert_eq!(
                        after.replies_left + after.uncertain_replies,
                        certain + before.uncertain_replies - parts
                    );
                }
                assert!(after.replies_left <= certain.saturating_sub(parts));
                let certain_until = before.window_ends_at.filter(|_| parts <= certain).map(Timestamp::as_millisecond);
                let (reserved_at, refusal) = (self.now, None);
                let certain_until = certain_until.map(|end| end - at(0).as_millisecond());
                let (presented, taken, dead, ended) = (0, 0, false, false);
                let attempt = Attempt { id, plan, reserved_at, certain_until, presented, taken, refusal, dead, ended };
                self.attempts.push(attempt);
                match fate {
                    Fate::Dies(0, again) => self.die(n, again),
                    _ => self.after(gap, Event::Part(n)),
                }
                if matches!(fate, Fate::Twice) {
                    self.after(gap / 2, Event::Again(n));
                }
            }
            Err(error) => {
                assert!(certain < parts + keep, "refused although {before:?}: {plan:?}");
                assert_eq!(after, before);
                assert_eq!(error == QuotaError::WindowClosed, before.window_ends_at.is_none());
            }
        }
    }

    /// A part of a send reaches WeChat.
    fn present(&mut self, n: usize) {
        let (now, certain_only) = (self.now, self.habits.certain_only);
        let attempt = &mut self.attempts[n];
        let Plan { parts, gap, fate, answer, .. } = attempt.plan;
        let refused = matches!(fate, Fate::Refused(part) if part == attempt.presented);
        attempt.presented += 1;
        let mut goes_on = attempt.presented < parts;
        if refused {
            goes_on = false;
        } else {
            match self.wechat.take(now) {
                Ok(()) => attempt.taken += 1,
                Err(error) => {
                    // Allowances do not add up: the replies were possibly those of an enter event that has expired.
                    let ended = self.enter_ends.iter().any(|end| (attempt.reserved_at..=now).contains(end));
                    let certain = certain_only && attempt.certain_until.is_some_and(|end| now < end) && !ended;
                    assert!(!certain, "{error:?} for certain replies: {attempt:?} at {now}");
                    attempt.refusal = Some(error);
                    goes_on = false;
                    match error {
                        QuotaError::Exhausted => self.seen.exhausted += 1,
                        QuotaError::WindowClosed => self.seen.closed += 1,
                    }
                }
            }
        }
        let presented = attempt.presented;
        match fate {
            Fate::Dies(after, again) if after == presented => self.die(n, again),
            _ if goes_on => self.after(gap, Event::Part(n)),
            _ => self.after(answer, Event::End(n)),
        }
    }

    fn die(&mut self, n: usize, again: Option<i64>) {
        self.attempts[n].dead = true;
        if let Some(delay) = again {
            self.after(delay, Event::Again(n));
        }
    }

    /// The function runs again with the same reservation and sends the remaining parts.
    fn run_again(&mut self, n: usize) {
        if self.attempts[n].ended {
            return;
        }
        let (now, id) = (self.clock(), self.attempts[n].id.clone());
        let Plan { parts, keep, gap, answer, .. } = self.attempts[n].plan;
        let (before, held) = (self.ledger.quota(now), self.holds(&id));
        let answer_again = self.ledger.reserve(&id, parts, keep, now);
        if held {
            assert_eq!((answer_again, self.ledger.quota(now)), (Ok(()), before), "the reservation must be the same");
        }
        self.check_bound();
        if self.attempts[n].dead && answer_again.is_ok() {
            self.attempts[n].dead = false;
            self.attempts[n].plan.fate = Fate::Whole;
            self.seen.revived += 1;
            let done = self.attempts[n].presented >= parts || self.attempts[n].refusal.is_some();
            if done { self.after(answer, Event::End(n)) } else { self.after(gap, Event::Part(n)) }
        }
    }

    fn end(&mut self, n: usize) {
        let (now, exact) = (self.clock(), self.habits.exact);
        let (apart, twice) = (!exact && self.coin(), self.coin());
        let attempt = &mut self.attempts[n];
        attempt.ended = true;
        let (id, refusal) = (attempt.id.clone(), attempt.refusal);
        let lost = u32::from(matches!(attempt.plan.fate, Fate::Unanswered) && refusal.is_none());
        let taken = (attempt.taken + lost).min(attempt.plan.parts);
        let whole = (taken == attempt.plan.parts && lost == 0).then_some(taken);
        let tell = |ledgers: &mut Ledgers| match (refusal, whole) {
            (None, Some(parts)) => ledgers.sent(&id, parts, now),
            (Some(error), _) if !apart => ledgers.both(|ledger| ledger.record_refusal(&id, taken, error, now)),
            _ => ledgers.both(|ledger| ledger.settle(&id, taken, now)),
        };
        tell(&mut self.ledger);
        if twice {
            let once = self.ledger.clone();
            tell(&mut self.ledger);
            assert_eq!(self.ledger, once, "settling twice must have no effect");
        }
        match refusal.filter(|_| apart) {
            Some(QuotaError::Exhausted) => self.ledger.both(|ledger| ledger.mark_exhausted(now)),
            Some(QuotaError::WindowClosed) => self.ledger.both(|ledger| ledger.mark_window_closed(now)),
            None => {}
        }
        self.check_bound();
    }

    fn holds(&self, id: &str) -> bool {
        self.ledger.sends().iter().any(|send| send["id"] == id)
    }

    fn check_bound(&mut self) {
        let count = self.ledger.sends().len();
        assert!(count <= MAX_SENDS);
        if count == MAX_SENDS && !self.bounded {
            self.bounded = true;
            self.seen.bound += 1;
        }
    }

    /// Checks the invariants, which hold at every moment.
    fn check_invariants(&mut self) {
        self.seen.steps += 1;
        let quota = self.quota();
        let certain = i64::from(quota.replies_left);
        let granted = |margin| i64::from(self.wechat.left(self.now, margin).unwrap_or(0));
        // Parts in flight: reserved, neither taken by WeChat nor given back. A crashed function sends no parts.
        let in_flight = self.attempts.iter().filter(|attempt| !attempt.ended && !attempt.dead);
        let in_flight: i64 = in_flight.map(|attempt| i64::from(attempt.plan.parts - attempt.taken)).sum();
        assert!(certain <= (granted(0) - in_flight).max(0), "{quota:?} is too much: {self:?}");
        self.seen.uncertain_replies += u64::from(quota.uncertain_replies > 0);
        // Known replies are not withheld, except in the last seconds of a window.
        if self.habits.exact && !self.bounded && self.pending_actions == 0 {
            let at_most = certain + i64::from(quota.uncertain_replies);
            assert!(at_most >= granted(3 * CLOCK_SKEW) - in_flight, "{quota:?} is too little: {self:?}");
        }
    }
}
