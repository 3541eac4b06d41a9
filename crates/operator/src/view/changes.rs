//! From rounds to the changes that people want to hear of, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ovo_api::act::Role;
use ovo_api::node::NodePhase;
use ovo_api::status::ClusterPhase;
use ovo_engine::{Report, StepResult};
use ovo_model::{EventNote, EventType, NodeName, Outcome, Plan, Snapshot, StepId};

use crate::view::{phases, step_words};

/// What kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Phase,
    Node,
    Step,
    Waits,
    Event,
    Warning,
}

/// One change, for one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Phase => "phase",
            Self::Node => "node",
            Self::Step => "step",
            Self::Waits => "waits",
            Self::Event => "event",
            Self::Warning => "warning",
        })
    }
}

/// What was told of one cluster so far.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    phase: Option<ClusterPhase>,
    nodes: BTreeMap<NodeName, (Role, NodePhase)>,
    under_way: BTreeMap<StepId, String>,
    waiting: BTreeSet<String>,
    events: Vec<EventNote>,
    trouble: Option<String>,
}

impl Changes {
    /// What this round changed.
    pub(crate) fn next(&mut self, report: &Report) -> Vec<Change> {
        let mut told = Vec::new();
        self.trouble(report, &mut told);
        if report.gone {
            told.push(Change {
                kind: Kind::Phase,
                text: "gone".to_owned(),
            });
        }
        let (Some(snapshot), Some(plan)) = (&report.snapshot, &report.plan) else {
            return told;
        };
        if !report.refused.is_empty() {
            return told;
        }
        self.steps(report, &mut told);
        self.nodes(snapshot, plan, &mut told);
        self.waiting(plan, &mut told);
        self.events(plan, &mut told);
        self.phase(plan, &mut told);
        told
    }

    fn trouble(&mut self, report: &Report, told: &mut Vec<Change>) {
        let refused: Vec<String> = report.refused.iter().map(ToString::to_string).collect();
        let now = match &report.error {
            Some(error) => Some(error.to_string()),
            None if !refused.is_empty() => Some(format!("plan refused: {}", refused.join("; "))),
            None => None,
        };
        if let Some(text) = now.as_ref().filter(|_| now != self.trouble) {
            told.push(Change {
                kind: Kind::Warning,
                text: text.clone(),
            });
        }
        self.trouble = now;
    }

    fn steps(&mut self, report: &Report, told: &mut Vec<Change>) {
        let mut under_way = BTreeMap::new();
        for executed in &report.executed {
            let (step, words) = (&executed.step, step_words(&executed.step));
            let before = self.under_way.get(&step.id);
            let (mark, text) = match &executed.result {
                StepResult::Answered(Outcome::Done) => {
                    ("done", format!("{words}: {}", step.reason))
                }
                StepResult::Answered(Outcome::InProgress { .. }) => {
                    ("begun", format!("{words}: {}", step.reason))
                }
                StepResult::Failed(error) => (
                    "failed",
                    format!("{words} failed: {error}; it is tried again"),
                ),
                StepResult::Refused(refusals) => {
                    let why = refusals.first().map_or("", |r| r.message.as_str());
                    (
                        "refused",
                        format!("{words} held back by the last look: {why}"),
                    )
                }
                StepResult::Held => {
                    if let Some(before) = before {
                        under_way.insert(step.id.clone(), before.clone());
                    }
                    continue;
                }
            };
            if before.is_none_or(|before| before != mark) {
                told.push(Change {
                    kind: Kind::Step,
                    text,
                });
            }
            under_way.insert(step.id.clone(), mark.to_owned());
        }
        self.under_way = under_way;
    }

    fn nodes(&mut self, snapshot: &Snapshot, plan: &Plan, told: &mut Vec<Change>) {
        let now = phases(snapshot, plan);
        for (name, (role, phase)) in &now {
            let before = self.nodes.get(name).map(|(_, phase)| *phase);
            if before != Some(*phase) {
                let from = before.map_or(String::new(), |before| format!("{before:?} -> "));
                let role = match role {
                    Role::Master => "master",
                    Role::Media => "media node",
                    Role::LoadBalancer => "balancer",
                };
                told.push(Change {
                    kind: Kind::Node,
                    text: format!("{role} {name}: {from}{phase:?}"),
                });
            }
        }
        for name in self.nodes.keys().filter(|name| !now.contains_key(*name)) {
            told.push(Change {
                kind: Kind::Node,
                text: format!("{name}: gone"),
            });
        }
        self.nodes = now;
    }

    fn waiting(&mut self, plan: &Plan, told: &mut Vec<Change>) {
        for waiting in plan
            .waiting
            .iter()
            .filter(|w| !self.waiting.contains(&w.step))
        {
            let text = format!("{} waits for {}", waiting.step, waiting.for_what);
            told.push(Change {
                kind: Kind::Waits,
                text,
            });
        }
        self.waiting = plan.waiting.iter().map(|w| w.step.clone()).collect();
    }

    fn events(&mut self, plan: &Plan, told: &mut Vec<Change>) {
        for event in plan.events.iter().filter(|e| !self.events.contains(e)) {
            let about = event
                .node
                .as_ref()
                .map_or(String::new(), |node| format!("{node}: "));
            let kind = match event.event_type {
                EventType::Normal => Kind::Event,
                EventType::Warning => Kind::Warning,
            };
            told.push(Change {
                kind,
                text: format!("{about}{}: {}", event.reason, event.note),
            });
        }
        self.events.clone_from(&plan.events);
    }

    fn phase(&mut self, plan: &Plan, told: &mut Vec<Change>) {
        let status = &plan.status;
        if status.phase == self.phase {
            return;
        }
        let from = self
            .phase
            .map_or(String::new(), |before| format!("{before:?} -> "));
        let now = status
            .phase
            .map_or_else(|| "?".to_owned(), |phase| format!("{phase:?}"));
        self.phase = status.phase;
        let masters = status.masters.clone().unwrap_or_default();
        let media = status.media.clone().unwrap_or_default();
        let text = format!(
            "{from}{now}: {}/{} masters, {}/{} media nodes",
            masters.ready, masters.desired, media.ready, media.target
        );
        told.push(Change {
            kind: Kind::Phase,
            text,
        });
    }
}
