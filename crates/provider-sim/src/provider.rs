//! [`SimProvider`]: the simulated infrastructure as a provider.

use std::collections::BTreeMap;

use ovo_api::OpenViduCluster;
use ovo_api::profile::Profile;
use ovo_model::{Observation, Op, Outcome, ProviderError, Resource, Scope, Step};
use ovo_provider::{Call, Provider, ScopeChoice, Target};
use ovo_world::{Act, Answer, Input, effects};

use crate::door::{Inner, SimDoor};
use crate::interceptor::{CallKind, Lie, Moment, Verdict};
use crate::sight::lists;

/// A provider over a simulated world. Clones share the world.
#[derive(Clone)]
pub struct SimProvider {
    door: SimDoor,
}

impl SimProvider {
    /// A provider behind this door.
    pub const fn new(door: SimDoor) -> Self {
        Self { door }
    }

    /// The door.
    pub const fn door(&self) -> &SimDoor {
        &self.door
    }
}

/// How a call ended: with an answer, or never.
pub(crate) enum Ended<T> {
    Answered(T),
    Crashed,
}

impl<T> Ended<T> {
    pub(crate) async fn answer(self) -> T {
        match self {
            Self::Answered(answer) => answer,
            Self::Crashed => std::future::pending().await,
        }
    }
}

impl Provider for SimProvider {
    fn desired(
        &self,
        cluster: &OpenViduCluster,
        profile: &Profile,
    ) -> Result<Vec<Resource>, ProviderError> {
        crate::desired::desired(cluster, profile)
    }

    async fn observe(&self, target: &Target, scopes: &ScopeChoice) -> BTreeMap<Scope, Observation> {
        let ended = observe(&mut self.door.lock(), target, scopes);
        ended.answer().await
    }

    async fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        let ended = execute(&mut self.door.lock(), target, step, call.epoch);
        ended.answer().await
    }

    async fn elsewhere(&self, target: &Target) -> Result<Option<String>, ProviderError> {
        // Looked for, not met: nothing of the target exists after it.
        let (owner, id) = (target.key(), &target.infrastructure_id);
        Ok(self
            .door
            .look(|world| world.elsewhere(&owner, id).map(str::to_owned)))
    }
}

fn observe(
    inner: &mut Inner,
    target: &Target,
    scopes: &ScopeChoice,
) -> Ended<BTreeMap<Scope, Observation>> {
    let dep = match inner.meet(target) {
        Ok(dep) => dep,
        Err(error) => return Ended::Answered(unknown(wanted_scopes(scopes), &error)),
    };
    let ordinal = inner.next_ordinal();
    let kind = inner
        .intercepted()
        .then(|| CallKind::Observe(scopes.clone()));
    let before = kind.as_ref().map_or(Verdict::Pass, |kind| {
        inner.verdict(kind, Moment::Before, ordinal)
    });
    if before == Verdict::Crash {
        return Ended::Crashed;
    }
    let mut seen = inner.world.observe(dep, &|scope| scopes.wants(scope));
    // A machine that is not listed and has nothing of ours on it is nobody's business.
    seen.retain(|scope, observation| {
        lists(&target.cluster, scope)
            || match observation {
                Observation::Known { resources, nodes } => {
                    !resources.is_empty()
                        || nodes
                            .values()
                            .any(|n| n.containers.as_ref().is_some_and(|c| !c.is_empty()))
                }
                Observation::Unknown { .. } => true,
            }
    });
    let id = &target.infrastructure_id;
    inner.remember_look(id, &seen);
    if *scopes == ScopeChoice::All && inner.has_adversary() {
        // What cannot be written down does not happen.
        let _ = inner.apply(&Input::Looked {
            deployment: id.clone(),
        });
    }
    match before {
        Verdict::Fail(error) | Verdict::LoseAnswer(error) => {
            seen = unknown(seen.into_keys(), &error);
        }
        Verdict::Stale(age) => {
            if let Some(old) = inner.old_look(id, age) {
                seen = old
                    .into_iter()
                    .filter(|(scope, _)| scopes.wants(scope))
                    .collect();
            }
        }
        Verdict::Partial => halve(&mut seen),
        Verdict::Empty => seen.values_mut().for_each(empty),
        Verdict::Missing => seen.clear(),
        Verdict::Lying(lie) => seen
            .values_mut()
            .for_each(|observation| distort(observation, lie)),
        Verdict::Pass | Verdict::Crash => {}
    }
    match kind.as_ref().map_or(Verdict::Pass, |kind| {
        inner.verdict(kind, Moment::After, ordinal)
    }) {
        Verdict::Crash => Ended::Crashed,
        Verdict::Fail(error) | Verdict::LoseAnswer(error) => {
            Ended::Answered(unknown(seen.into_keys(), &error))
        }
        _ => Ended::Answered(seen),
    }
}

fn wanted_scopes(scopes: &ScopeChoice) -> Vec<Scope> {
    match scopes {
        ScopeChoice::All => Vec::new(),
        ScopeChoice::Only(scopes) => scopes.iter().cloned().collect(),
    }
}

fn unknown(
    scopes: impl IntoIterator<Item = Scope>,
    error: &ProviderError,
) -> BTreeMap<Scope, Observation> {
    scopes
        .into_iter()
        .map(|scope| (scope, Observation::unknown(error.to_string())))
        .collect()
}

/// Half of the answer is missing and shows it: every second scope, and the whole one if there is one only.
fn halve(seen: &mut BTreeMap<Scope, Observation>) {
    for observation in seen.values_mut().step_by(2) {
        *observation = Observation::unknown("the answer was cut off");
    }
}

fn empty(observation: &mut Observation) {
    if observation.is_known() {
        *observation = Observation::Known {
            resources: BTreeMap::new(),
            nodes: BTreeMap::new(),
        };
    }
}

fn distort(observation: &mut Observation, lie: Lie) {
    if let (Observation::Known { nodes, .. }, Lie::TooLittle) = (observation, lie) {
        let mut number = 0;
        nodes.retain(|_, _| {
            number += 1;
            number % 2 == 0
        });
    }
}

fn execute(
    inner: &mut Inner,
    target: &Target,
    step: &Step,
    epoch: i64,
) -> Ended<Result<Outcome, ProviderError>> {
    if let Err(error) = inner.meet(target) {
        return Ended::Answered(Err(error));
    }
    let ordinal = inner.next_ordinal();
    let kind = CallKind::Execute {
        step: step.id.clone(),
        op: op_name(&step.op),
        destructive: step.is_destructive(),
    };
    let mut lost = None;
    match inner.verdict(&kind, Moment::Before, ordinal) {
        Verdict::Crash => return Ended::Crashed,
        Verdict::Fail(error) => return Ended::Answered(Err(error)),
        Verdict::LoseAnswer(error) => lost = Some(error),
        _ => {}
    }
    let id = target.infrastructure_id.clone();
    if inner.has_adversary() {
        let input = Input::Before {
            deployment: id.clone(),
            step: Box::new(step.clone()),
        };
        if let Err(error) = inner.apply(&input) {
            return Ended::Answered(Err(error));
        }
    }
    let stopped = (1..effects(&step.op)).find_map(|done| {
        match inner.verdict(&kind, Moment::HalfWay(done), ordinal) {
            Verdict::Crash => Some((done, None)),
            Verdict::Fail(error) | Verdict::LoseAnswer(error) => Some((done, Some(error))),
            _ => None,
        }
    });
    let act = Act {
        looked: inner.looked(&id),
        deployment: id,
        step: step.clone(),
        epoch,
        limit: stopped.as_ref().map(|(done, _)| *done),
    };
    let answer = match inner.apply(&Input::Act(Box::new(act))) {
        Ok(Answer::Act(answer)) => answer,
        Ok(Answer::Nothing | Answer::Room(_)) => Ok(Outcome::Done),
        Err(error) => Err(error),
    };
    match stopped {
        Some((_, None)) => return Ended::Crashed,
        Some((_, Some(error))) => return Ended::Answered(Err(error)),
        None => {}
    }
    match inner.verdict(&kind, Moment::After, ordinal) {
        Verdict::Crash => Ended::Crashed,
        Verdict::Fail(error) | Verdict::LoseAnswer(error) => Ended::Answered(Err(error)),
        _ => Ended::Answered(lost.map_or(answer, Err)),
    }
}

/// The operation's name.
pub(crate) const fn op_name(op: &Op) -> &'static str {
    match op {
        Op::Create { .. } => "Create",
        Op::Set { .. } => "Set",
        Op::Delete { .. } => "Delete",
        Op::SetCapacity { .. } => "SetCapacity",
        Op::SetProtection { .. } => "SetProtection",
        Op::Terminate { .. } => "Terminate",
        Op::Start { .. } => "Start",
        Op::Signal { .. } => "Signal",
        Op::Stop { .. } => "Stop",
        Op::Uninstall { .. } => "Uninstall",
        Op::Close { .. } => "Close",
        Op::Reopen { .. } => "Reopen",
        Op::GenerateCredentials { .. } => "GenerateCredentials",
    }
}
