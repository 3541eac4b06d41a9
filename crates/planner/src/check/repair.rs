//! Rule S7: repair stops at its cap.

use ovo_api::act::Role;
use ovo_model::{Cause, MediaState, Op, Presence, Step};

use super::end::{Excuse, ended, excuse};
use super::node::Node;
use super::{Rule, Run};

pub(super) fn check(run: &mut Run<'_, '_>, step: &Step) {
    let facts = run.facts;
    let role = match step.op.node().and_then(|n| facts.node(n)) {
        Some(node) => node.role,
        None => Role::Media,
    };
    // Ends that neither a drain nor a person asked for are repair, whatever the step calls them.
    let repairs = ended(facts, step)
        .into_iter()
        .filter_map(|name| facts.node(name))
        .any(|n| {
            matches!(excuse(facts, n), Some(Excuse::Dead | Excuse::NeverJoined)) && !n.stopped()
        });
    let claimed = step.cause == Cause::Remediation
        && !matches!(
            step.op,
            Op::SetProtection {
                protected: true,
                ..
            }
        );
    // A machine that is being started is neither ill nor there yet, even if a start of it ended half-way.
    let started = match &step.op {
        Op::Start { node } => Some(node),
        _ => None,
    };
    let may_stand_in = started.is_some() && role == Role::Media;
    if facts.tearing_down() || !(repairs || claimed || may_stand_in) {
        return;
    }
    let group: Vec<_> = facts
        .of_role(role)
        .filter(|n| started.is_none_or(|s| *s.0 != *n.name) && counts(run, n))
        .collect();
    if !(repairs || claimed || may_stand_in && stands_in(run, group.len())) {
        return;
    }
    let unhealthy = group.iter().filter(|n| ill(run, n)).count();
    let total = u32::try_from(group.len()).unwrap_or(u32::MAX);
    let most = facts
        .spec
        .media
        .remediation
        .max_unhealthy()
        .floor_of(total)
        .max(1);
    if usize::try_from(most).is_ok_and(|most| unhealthy > most) {
        let text = format!(
            "{unhealthy} of {total} nodes of role {role:?} are unhealthy, more than {most}: look before you repair"
        );
        run.refuse(Rule::S7, step, text);
    }
}

/// A media machine is started although as many as are wanted are there: it stands in for one of them.
fn stands_in(run: &Run<'_, '_>, there: usize) -> bool {
    let media = &run.facts.spec.media;
    let wanted = media
        .replicas()
        .clamp(media.min(), media.max().max(media.min()));
    usize::try_from(wanted).is_ok_and(|wanted| there >= wanted)
}

/// Should serve, or be about to.
fn counts(run: &Run<'_, '_>, node: &Node<'_>) -> bool {
    let name = ovo_model::NodeName::from(node.name);
    let drains = run.record(&name).is_some_and(|r| r.drain.is_some());
    !drains && node.drain().is_none() && node.present()
}

fn ill(run: &Run<'_, '_>, node: &Node<'_>) -> bool {
    let now = run.facts.now.wall;
    let Some(observed) = node.observed else {
        return true;
    };
    let came_down = match node.role {
        Role::Media => {
            node.exited() || node.media() == MediaState::Failed || node.never_joined(now)
        }
        _ => !observed.healthy,
    };
    came_down || observed.presence == Presence::Unreachable
}
