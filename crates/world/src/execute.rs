//! Carrying out one step of the operator, or the first part of one.

use std::sync::Arc;

use ovo_model::{Cause, NodeName, Op, Outcome, Ownership, ProviderError, Scalar, Step, Value};
use serde::{Deserialize, Serialize};

use crate::ledger::{Blame, Harm, not_ours};
use crate::node::{Node, Power};
use crate::resources::LOOK_AGAIN;
use crate::world::{Dep, World};

/// A step on its way into the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Infrastructure id.
    pub deployment: Arc<str>,
    /// What to do.
    pub step: Step,
    /// The operator's last look: [`World::mark`] at that time.
    pub looked: u64,
    /// The leader's epoch: machines refuse an older one than they have seen.
    pub epoch: i64,
    /// Only the first so many of its [`effects`]: it died half-way. `None`: all.
    pub limit: Option<u32>,
}

/// What became of an act.
pub(crate) type Done = Result<Outcome, ProviderError>;

/// How many effects a step has, one after the other; between two of them whoever carries it out can die.
pub fn effects(op: &Op) -> u32 {
    match op {
        Op::Signal { containers, .. } => u32::try_from(containers.len())
            .unwrap_or(u32::MAX)
            .saturating_mul(2),
        Op::Start { .. } | Op::Stop { .. } | Op::Uninstall { .. } => 2,
        _ => 1,
    }
}

pub(crate) fn invalid(field: &str, message: &str) -> ProviderError {
    ProviderError::Invalid {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

impl World {
    /// Carries out a step.
    ///
    /// # Errors
    /// By class, as a backend would answer.
    pub fn execute(&mut self, act: &Act) -> Result<Outcome, ProviderError> {
        let Some(dep) = self.find(&act.deployment) else {
            return Err(ProviderError::NotFound(format!(
                "deployment {}",
                act.deployment
            )));
        };
        let now = self.now();
        if let Some(until) = self
            .deployment(dep)
            .trouble
            .throttled_until
            .filter(|until| *until > now)
        {
            return Err(ProviderError::Throttled {
                after: until.since(now).clamp(1_000, 20_000),
            });
        }
        self.count_step();
        let step = &act.step;
        let blame = Blame {
            step: step.id.to_string(),
            allowed: step.cause == Cause::Force || self.deployment(dep).allowed.contains(&step.act),
            looked: act.looked,
        };
        let limit = act.limit.unwrap_or(u32::MAX);
        if limit == 0 {
            return Ok(Outcome::Done);
        }
        self.owned(dep, &step.op, &blame)?;
        if let Some(node) = step.op.node() {
            self.answers(dep, node, act.epoch)?;
        }
        match &step.op {
            Op::Create { resource, .. } if resource.kind == "Machine" => Err(invalid(
                "Machine",
                "a machine is there or is not; nobody creates it",
            )),
            Op::Create {
                resource,
                properties,
                ..
            } => self.create(dep, resource, properties, &blame),
            Op::Set {
                resource,
                properties,
                ..
            } if resource.kind == "Machine" => {
                let node = NodeName::from(resource.name.as_str());
                self.answers(dep, &node, act.epoch)?;
                self.install(dep, &node, properties.get("installed"))
            }
            Op::Set {
                resource,
                properties,
                ..
            } => self.set(dep, resource, properties, &blame),
            Op::Delete { resource, .. } => self.delete(dep, resource, &blame),
            Op::SetCapacity { group, from, to } => {
                self.set_capacity(dep, group, *from, *to, &blame)
            }
            Op::SetProtection {
                nodes, protected, ..
            } => self.set_protection(dep, nodes, *protected, &blame),
            Op::Terminate { node, decrement } => {
                self.terminate(dep, node, *decrement, &blame);
                Ok(Outcome::Done)
            }
            Op::Start { node } => self.start(dep, node, limit),
            Op::Signal { node, containers } => {
                self.signal(dep, node, containers, limit, &blame);
                Ok(Outcome::Done)
            }
            Op::Stop { node } => {
                self.stop_unit(dep, node, limit, &blame);
                Ok(Outcome::Done)
            }
            Op::Uninstall { node } => {
                self.uninstall(dep, node, limit, &blame);
                Ok(Outcome::Done)
            }
            Op::Close { .. } | Op::Reopen { .. } => Err(ProviderError::Denied(
                "405: nodes are not closed or opened by this profile's API".to_owned(),
            )),
            Op::GenerateCredentials { .. } => Err(ProviderError::Denied(
                "credentials are the store's".to_owned(),
            )),
        }
    }

    /// What is not ours is not touched, and the attempt is written down. Creating under a taken name is how one
    /// finds out, and no harm.
    fn owned(&mut self, dep: Dep, op: &Op, blame: &Blame) -> Result<(), ProviderError> {
        let deployment = self.deployment(dep);
        let machine = match op {
            Op::Set { resource, .. } | Op::Delete { resource, .. }
                if resource.kind == "Machine" =>
            {
                deployment
                    .nodes
                    .get(&NodeName::from(resource.name.as_str()))
            }
            _ => op.node().and_then(|node| deployment.nodes.get(node)),
        };
        let owner = machine
            .and_then(Node::machine)
            .and_then(|m| m.owner.as_deref());
        if let Some(owner) = owner.filter(|owner| **owner != *deployment.id) {
            let words = format!("machine belongs to {owner}");
            self.harm(
                dep,
                Harm::ForeignTouched,
                format!("{}: {words}", blame.step),
            );
            return Err(ProviderError::Conflict(words));
        }
        if let Some(id) = op.resource().filter(|_| !matches!(op, Op::Create { .. }))
            && deployment
                .things
                .get(id)
                .is_some_and(|t| t.ownership != Ownership::Ours)
        {
            self.harm(dep, Harm::ForeignTouched, not_ours(id, &blame.step));
            return Err(ProviderError::Conflict(format!("{id} is not ours")));
        }
        Ok(())
    }

    fn answers(&mut self, dep: Dep, node: &NodeName, epoch: i64) -> Result<(), ProviderError> {
        let Some(found) = self.node_mut(dep, node) else {
            return Ok(());
        };
        let power = found.power;
        let Some(machine) = found.machine_mut() else {
            return Ok(());
        };
        if power != Power::On {
            return Err(ProviderError::Retryable(format!("{node} does not answer")));
        }
        if epoch < machine.epoch {
            return Err(ProviderError::Denied(format!(
                "{node} has seen a leader of epoch {}, this one is of {epoch}",
                machine.epoch
            )));
        }
        machine.epoch = epoch;
        Ok(())
    }

    fn install(&mut self, dep: Dep, node: &NodeName, installed: Option<&Value>) -> Done {
        let Some(Value::Known(Scalar::Text(digest))) = installed else {
            return Err(invalid(
                "installed",
                "a machine has no other property that is set",
            ));
        };
        let Some(machine) = self.node(dep, node).and_then(Node::machine) else {
            return Err(ProviderError::NotFound(node.to_string()));
        };
        // A record without its software is the remainder of an uninstallation: it counts for nothing.
        let recorded = machine.installed.as_ref().filter(|_| !machine.stripped);
        match (recorded, &machine.job) {
            (Some(there), _) if there == digest => Ok(Outcome::Done),
            (Some(_), _) => Err(invalid(
                "spec.version",
                "another release is installed; upgrades do not exist yet",
            )),
            (None, Some((under_way, ..))) if under_way == digest => Ok(Outcome::InProgress {
                look_again_in: LOOK_AGAIN,
            }),
            (None, Some(_)) => Err(ProviderError::Conflict(format!(
                "{node}: another installation is under way"
            ))),
            (None, None) => {
                self.begin_install(dep, node, digest);
                Ok(Outcome::InProgress {
                    look_again_in: LOOK_AGAIN,
                })
            }
        }
    }

    fn start(&mut self, dep: Dep, node: &NodeName, limit: u32) -> Done {
        match self.node(dep, node).and_then(Node::machine) {
            None => Err(ProviderError::NotFound(node.to_string())),
            Some(machine) if machine.installed.is_none() || machine.stripped => Err(
                ProviderError::Conflict(format!("{node}: nothing is installed")),
            ),
            Some(_) => {
                self.start_unit(dep, node, limit);
                Ok(Outcome::Done)
            }
        }
    }
}
