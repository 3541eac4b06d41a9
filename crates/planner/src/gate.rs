//! Whether something that cuts may be done now (rule S13), and what is waited for if not.

use ovo_api::act::{ActKind, Cuts, Role};
use ovo_api::spec::DisruptionPolicy;
use ovo_api::windows;
use ovo_model::{Cause, Step};

use crate::bugs::Bug;
use crate::draft::Draft;
use crate::occupancy::{Busy, words};
use crate::view::View;

impl View<'_> {
    /// `Ok` when the step may run now; else what it waits for.
    ///
    /// Ends of media nodes are not asked about here: they have a protocol of their own (rule S1).
    pub(crate) fn gate(&self, step: &Step) -> Result<(), String> {
        if step.cuts == Cuts::Nothing {
            return Ok(());
        }
        if step.cause == Cause::Drift && self.bugs.has(Bug::CutsForDrift) {
            return Ok(());
        }
        // A drain that is under way hears every restart as a second signal.
        if restarts(step.act)
            && let Some(draining) = self.draining_alive()
        {
            return Err(format!(
                "{draining} is draining; nothing is restarted meanwhile"
            ));
        }
        match self.cluster_busy() {
            Busy::Zero => Ok(()),
            _ if self.allowed(step.cause) => Ok(()),
            Busy::Occupied(occupancy) => Err(format!("cuts {}", words(&occupancy))),
            Busy::Unknown(reason) => Err(format!("may cut rooms: {reason}")),
        }
    }

    fn allowed(&self, cause: Cause) -> bool {
        let disruption = &self.spec.disruption;
        let policy = match cause {
            Cause::Config => disruption.config(),
            Cause::Masters => disruption.masters(),
            Cause::LoadBalancer => disruption.load_balancer(),
            // Nobody asked for it: drift repair is never an excuse, nor is anything else.
            _ => return false,
        };
        match policy {
            DisruptionPolicy::WhenIdle => false,
            DisruptionPolicy::InWindow => {
                windows::open_at(&disruption.windows, self.snap.now.wall.0)
            }
            DisruptionPolicy::Immediately => true,
        }
    }

    /// A media node that drains and may still hold somebody.
    pub(crate) fn draining_alive(&self) -> Option<&ovo_model::NodeName> {
        self.role(Role::Media)
            .filter(|n| {
                n.record
                    .and_then(|r| r.status.as_ref())
                    .is_some_and(|s| s.drain.is_some())
                    || n.observed
                        .is_some_and(|o| o.media == ovo_model::MediaState::Closed)
            })
            .find(|n| {
                n.observed.is_none_or(|o| {
                    o.running_drained()
                        .is_none_or(|mut running| running.next().is_some())
                }) && !(n.known && n.observed.is_none())
            })
            .map(|n| &n.name)
    }
}

/// Whether a step of this plan restarts or reconfigures what runs: then nothing is closed in the same plan.
pub(crate) fn restarting(draft: &Draft<'_>) -> bool {
    draft
        .steps
        .iter()
        .any(|s| s.role != Some(Role::Media) && restarts(s.act) && s.cuts > Cuts::Nothing)
}

const fn restarts(act: ActKind) -> bool {
    matches!(
        act,
        ActKind::Restart
            | ActKind::ApplyConfig
            | ActKind::ReloadBalancer
            | ActKind::Replace
            | ActKind::End
            | ActKind::Shrink
    )
}
