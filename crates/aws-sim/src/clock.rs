//! What will happen, and when. Nothing here happens by the machine's own time: a test moves the clock.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Something that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A pending instance runs.
    InstanceRuns(String),
    /// An instance that shuts down is terminated.
    InstanceEnds(String),
    /// A terminated instance is forgotten.
    InstanceForgotten(String),
    /// An image copy is available.
    ImageReady(String),
    /// Auto Scaling looks at a group; `true` for the look that comes again by itself.
    GroupLook(String, bool),
    /// A life-cycle action runs out: group, instance, token.
    HookEnds(String, String, String),
    /// A member goes from `Pending:Proceed` into service: group, instance.
    MemberServes(String, String),
    /// A member that ends has left its target groups: group, instance.
    MemberDrained(String, String),
    /// A target group checks its targets; `true` for the check that comes again by itself.
    TargetsChecked(String),
    /// A target that was deregistered is gone: target group, instance, which registration.
    TargetGone(String, String, u64),
    /// A balancer is active.
    BalancerReady(String),
    /// The interfaces of a deleted balancer or cache are gone.
    InterfacesGone(Vec<String>),
    /// A cache cluster has come to the end of what it does.
    ClusterReady(String),
    /// A replication group has come to the end of what it does.
    ReplicationReady(String),
}

/// The clock of a region.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    now: Timestamp,
    events: BTreeMap<(Timestamp, u64), Event>,
    put: u64,
}

impl Clock {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now,
            events: BTreeMap::new(),
            put: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Events of the same moment happen in the order in which they were put.
    pub(crate) fn put(&mut self, at: Timestamp, event: Event) {
        self.put += 1;
        self.events.insert((at.max(self.now), self.put), event);
    }

    /// The next event until `limit`, with the clock moved to it; at the limit, the clock stands there.
    pub(crate) fn next(&mut self, limit: Timestamp) -> Option<Event> {
        let first = self.events.first_entry().filter(|e| e.key().0 <= limit);
        let Some(first) = first else {
            self.now = limit;
            return None;
        };
        self.now = first.key().0;
        Some(first.remove())
    }
}
