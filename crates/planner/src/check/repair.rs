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
    if !(repairs || claimed) || facts.tearing_down() {
        return;
    }
    let group: Vec<_> = facts.of_role(role).filter(|n| counts(n)).collect();
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

/// Should serve, or be about to.
fn counts(node: &Node<'_>) -> bool {
    node.drain().is_none() && node.present()
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
