//! The checker: goes over every plan, and over each destructive step again just before it runs.
//!
//! It shares no function with the planner, takes its facts from the [`Snapshot`] alone, and believes nothing
//! that a plan says of itself: what a step is, whom it touches and what it cuts is derived from its content
//! once more. It says no rather than yes where it does not know.
//!
//! What it enforces is rules S1 to S13; `docs/safety.md` says why. Effects add up over a plan: two steps that
//! are each harmless may not be so together.

mod cuts;
mod derive;
mod end;
mod facts;
mod intent;
mod masters;
mod node;
mod owner;
mod pace;
mod records;
mod repair;
mod shared_store;
mod signal;
mod size;
mod still;
mod teardown;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ovo_api::act::{ActKind, Role};
use ovo_api::node::OpenViduNodeStatus;
use ovo_model::{Executor, NodeName, NodeWrite, Op, Plan, Snapshot, Step, StepId};

use facts::Facts;

/// A rule that a plan can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Media nodes are ended in one order only: closed, confirmed, read, empty.
    S1,
    /// Unknown counts as busy.
    S2,
    /// One master at a time, and never below the quorum.
    S3,
    /// One drain signal per container start.
    S4,
    /// Grace for new nodes; reviving before launching.
    S5,
    /// Never more nodes than `max` and the surge.
    S6,
    /// Repair stops at its cap.
    S7,
    /// What is kept is kept, and what is not ours is not touched.
    S8,
    /// Pause.
    S9,
    /// Nothing is written that changes nothing.
    S10,
    /// A release rolls nothing and changes no default; newer formats are left alone.
    S11,
    /// The order of deletion.
    S12,
    /// Who cuts needs a permit.
    S13,
    /// A destructive step must stand in the committed intent.
    Intent,
    /// A step must be what it says it is.
    Shape,
}

impl Rule {
    /// The safety rules, as `docs/safety.md` numbers them; the others hold the plan itself together.
    pub const SAFETY: [Self; 13] = [
        Self::S1,
        Self::S2,
        Self::S3,
        Self::S4,
        Self::S5,
        Self::S6,
        Self::S7,
        Self::S8,
        Self::S9,
        Self::S10,
        Self::S11,
        Self::S12,
        Self::S13,
    ];
}

/// Why a plan or a step may not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule that would be broken.
    pub rule: Rule,
    /// The step that would break it; `None`: a record, the status, or the plan as a whole.
    pub step: Option<StepId>,
    /// Which node, with the numbers, and what is missing.
    pub message: String,
}

/// Goes over a whole plan. Empty: it may be committed.
pub fn check(snapshot: &Snapshot, plan: &Plan) -> Vec<Refusal> {
    let facts = Facts::of(snapshot);
    let mut run = Run::new(&facts, &plan.nodes, &plan.steps);
    intent::planned(&mut run, plan);
    still::status(&mut run, plan);
    owner::format(&mut run, !plan.steps.is_empty() || !plan.nodes.is_empty());
    records::check(&mut run, &plan.nodes);
    pace::begins(&mut run);
    teardown::release(&mut run, plan);
    for step in &plan.steps {
        run.step(step);
    }
    run.refusals
}

/// Goes over one destructive step just before it runs, on a snapshot that was read live a moment ago: the node
/// records and the intent are the stored ones.
pub fn recheck(snapshot: &Snapshot, step: &Step) -> Vec<Refusal> {
    let facts = Facts::of(snapshot);
    let mut run = Run::new(&facts, &[], std::slice::from_ref(step));
    intent::committed(&mut run, step);
    owner::format(&mut run, true);
    run.step(step);
    run.refusals
}

/// [`recheck`] by a leader: the intent must have been written in its own epoch, not in a later one's.
pub fn recheck_as(snapshot: &Snapshot, step: &Step, epoch: i64) -> Vec<Refusal> {
    let mut refusals = recheck(snapshot, step);
    let committed = snapshot
        .cluster
        .status
        .as_ref()
        .and_then(|s| s.intent.as_ref())
        .map(|i| i.epoch);
    if committed != Some(epoch) {
        refusals.push(Refusal {
            rule: Rule::Intent,
            step: Some(step.id.clone()),
            message: format!("the intent is of epoch {committed:?}, this leader's is {epoch}: another one took over"),
        });
    }
    refusals
}

/// What a step is, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    act: ActKind,
    role: Option<Role>,
    executor: Executor,
}

/// One pass over a plan: what the steps so far add up to, and what was refused.
struct Run<'r, 'a> {
    facts: &'r Facts<'a>,
    /// Node statuses that this plan writes before its first step.
    writes: BTreeMap<&'r NodeName, &'r OpenViduNodeStatus>,
    refusals: Vec<Refusal>,
    ids: BTreeSet<&'r StepId>,
    /// Media nodes that this plan closes.
    closes: BTreeSet<&'r NodeName>,
    /// This plan lowers the capacity of media nodes.
    shrinks: bool,
    /// Media nodes that this plan starts.
    starts: usize,
    /// What speaks against serving nodes having been heard for a whole window, once a signal asked.
    doubts: Option<Vec<String>>,
    /// Members that this plan ends together with their place in the group, by role.
    decrements: BTreeMap<Role, i64>,
    /// Groups whose capacity this plan sets.
    resized: BTreeSet<&'r ovo_model::ResourceId>,
    /// Masters that this plan disrupts.
    masters: BTreeSet<&'r NodeName>,
    /// How many masters this plan disrupts without saying which.
    masters_unnamed: usize,
}

impl<'r, 'a> Run<'r, 'a> {
    fn new(facts: &'r Facts<'a>, writes: &'r [NodeWrite], steps: &'r [Step]) -> Self {
        let writes = writes.iter().filter_map(|write| match write {
            NodeWrite::Create { node, status, .. } | NodeWrite::Status { node, status } => {
                Some((node, &**status))
            }
            NodeWrite::Remove { .. } => None,
        });
        let mut run = Self {
            facts,
            writes: writes.collect(),
            refusals: Vec::new(),
            ids: BTreeSet::new(),
            closes: BTreeSet::new(),
            shrinks: false,
            starts: 0,
            doubts: None,
            decrements: BTreeMap::new(),
            resized: BTreeSet::new(),
            masters: BTreeSet::new(),
            masters_unnamed: 0,
        };
        // Whether something closes in a plan must not depend on the order of its steps.
        for step in steps {
            match &step.op {
                Op::Signal { node, .. } | Op::Close { node } => {
                    run.closes.insert(node);
                }
                Op::SetCapacity { group, from, to } if to < from => {
                    run.shrinks |= facts.role_of_group(group) != Some(Role::Master);
                }
                _ => {}
            }
        }
        run
    }

    fn refuse(&mut self, rule: Rule, step: &Step, message: impl Into<String>) {
        self.refusals.push(Refusal {
            rule,
            step: Some(step.id.clone()),
            message: message.into(),
        });
    }

    fn refuse_plan(&mut self, rule: Rule, message: impl Into<String>) {
        self.refusals.push(Refusal {
            rule,
            step: None,
            message: message.into(),
        });
    }

    /// The record of a node as it stands when the first step runs.
    fn record(&self, node: &NodeName) -> Option<&'r OpenViduNodeStatus>
    where
        'a: 'r,
    {
        let written = self.writes.get(node).copied();
        written.or_else(|| self.facts.node(node).and_then(node::Node::status))
    }

    fn step(&mut self, step: &'r Step) {
        let Some(kind) = derive::check(self, step) else {
            return;
        };
        still::step(self, step, kind);
        owner::check(self, step, kind);
        teardown::check(self, step, kind);
        size::check(self, step);
        repair::check(self, step);
        masters::check(self, step, kind);
        shared_store::check(self, step, kind);
        signal::check(self, step);
        pace::check(self, step);
        end::check(self, step);
        cuts::check(self, step, kind);
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(f, "{}: {step}: {}", self.rule, self.message),
            None => write!(f, "{}: {}", self.rule, self.message),
        }
    }
}
