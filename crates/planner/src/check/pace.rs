//! Rules S1, S2 and S5: who may be closed, and how many at once.

use ovo_api::act::Role;
use ovo_api::node::DrainCause;
use ovo_model::{MediaState, Millis, Op, Presence, ResourceId, Scalar, Step};

use super::facts::Facts;
use super::node::Node;
use super::{Rule, Run, signal};

/// A new node counts for scale-in after so many milliseconds in the cluster (rule S5).
const GRACE_MS: Millis = 120_000;
/// A source counts as heard when its newest answer is at most this many reading intervals old, but at least
/// [`super::node::FRESH_MS`] (rule S2): one answer may get lost, two in a row are silence.
const INTERVALS: Millis = 3;

pub(super) fn check<'r>(run: &mut Run<'r, '_>, step: &'r Step) {
    match &step.op {
        Op::Signal { node, .. } => {
            let Some(facts) = run.facts.node(node) else {
                return;
            };
            close_named(run, step, facts);
        }
        Op::SetCapacity { group, from, to } => {
            let media = run.facts.role_of_group(group) != Some(Role::Master);
            if to < from && media {
                shrink(run, step, group, from - to);
            }
            if to > from && media {
                revive_first(run, step, group, *to);
            }
        }
        Op::Set {
            resource,
            properties,
            ..
        } => {
            // A maximum below the capacity lowers the capacity, without saying so.
            let max = properties.get("max");
            if let (Some(ovo_model::Value::Known(Scalar::Int(max))), Some(now)) =
                (max, run.facts.capacity(resource))
                && *max < now
            {
                let text = format!(
                    "a maximum of {max} would end members of {resource}, whose capacity is {now}"
                );
                run.refuse(Rule::S1, step, text);
            }
        }
        _ => {}
    }
}

/// Drains that this plan begins: at most so many at once, those of people excepted.
pub(super) fn begins(run: &mut Run<'_, '_>) {
    let facts = run.facts;
    if facts.tearing_down() {
        return;
    }
    let paced = |c: DrainCause| {
        matches!(
            c,
            DrainCause::ScaleIn
                | DrainCause::Removed
                | DrainCause::NodeDeleted
                | DrainCause::ClusterDeleted
        )
    };
    let begun = |node: &Node<'_>| node.draining() && node.drain().is_some_and(|d| paced(d.cause));
    let old = facts.of_role(Role::Media).filter(|n| begun(n)).count();
    let new = run
        .writes
        .iter()
        .filter(|(_, status)| status.drain.as_ref().is_some_and(|d| paced(d.cause)))
        .filter(|(name, _)| {
            facts
                .node(name)
                .is_none_or(|n| n.drain().is_none() && n.role == Role::Media)
        })
        .count();
    let most = i64::from(facts.spec.media.max_concurrent());
    if new > 0 && count(old + new) > most {
        run.refuse_plan(
            Rule::S1,
            format!(
                "{} media nodes would drain at once, at most {most} may",
                old + new
            ),
        );
    }
}

/// One node, by its signal.
fn close_named(run: &mut Run<'_, '_>, step: &Step, node: &Node<'_>) {
    let facts = run.facts;
    let name = ovo_model::NodeName::from(node.name);
    let cause = run
        .record(&name)
        .and_then(|r| r.drain.as_ref())
        .map(|d| d.cause);
    if signal::begun(node) || facts.tearing_down() {
        return;
    }
    if cause != Some(DrainCause::ScaleIn) {
        return;
    }
    grace(run, step, node);
    // One for all signals of a plan: whether the others were watched does not depend on who is closed.
    let doubts = run.doubts.take().unwrap_or_else(|| {
        let serving: Vec<_> = facts.of_role(Role::Media).filter(|n| watched(n)).collect();
        unwatched(facts, &serving)
    });
    for doubt in &doubts {
        run.refuse(Rule::S2, step, doubt);
    }
    run.doubts = Some(doubts);
}

/// Some nodes of the masters' choice, by a lower capacity.
fn shrink(run: &mut Run<'_, '_>, step: &Step, group: &ResourceId, by: i64) {
    let facts = run.facts;
    if facts
        .ours(group)
        .and_then(|g| g.properties.get("newInstancesProtected"))
        != Some(&Scalar::Bool(true))
    {
        run.refuse(
            Rule::S1,
            step,
            format!("{group} does not protect new instances from scale-in"),
        );
    }
    let (leaving, staying): (Vec<_>, Vec<_>) = facts.members(group).partition(|n| closing(n));
    for node in &staying {
        let presence = node.observed.map(|o| o.presence);
        if presence == Some(Presence::Pending) {
            let text = format!(
                "{} is not in service yet: it may hold rooms, and nothing protects it",
                node.name
            );
            run.refuse(Rule::S1, step, text);
        } else if node.observed.and_then(|o| o.protected) != Some(true) {
            run.refuse(
                Rule::S1,
                step,
                format!("{} is not protected from scale-in", node.name),
            );
        }
    }
    if facts.tearing_down() {
        return;
    }
    let present = count(leaving.len() + staying.len());
    let asked = facts.capacity(group).map_or(0, |now| present - now);
    let ended = run.decrements.get(&Role::Media).copied().unwrap_or(0);
    at_once(run, step, by + ended + asked.max(count(leaving.len())));
    for node in &staying {
        grace(run, step, node);
    }
    for doubt in unwatched(facts, &staying) {
        run.refuse(Rule::S2, step, doubt);
    }
}

fn closing(node: &Node<'_>) -> bool {
    node.terminating()
        || matches!(
            node.media(),
            MediaState::Closed | MediaState::Leaving | MediaState::Canceled
        )
}

fn at_once(run: &mut Run<'_, '_>, step: &Step, together: i64) {
    let most = i64::from(run.facts.spec.media.max_concurrent());
    if together > most {
        run.refuse(
            Rule::S1,
            step,
            format!("{together} media nodes would drain at once, at most {most} may"),
        );
    }
}

fn grace(run: &mut Run<'_, '_>, step: &Step, node: &Node<'_>) {
    let joined = node.joined_for(run.facts.now.wall);
    if joined < GRACE_MS {
        let text = format!(
            "{} has been part of the cluster for {joined} ms, {GRACE_MS} are its grace",
            node.name
        );
        run.refuse(Rule::S5, step, text);
    }
}

/// Takes sessions, or may: an idle look of it decides whether one node fewer suffices.
fn watched(node: &Node<'_>) -> bool {
    node.present() && node.drain().is_none() && node.media() == MediaState::Serving
}

/// What speaks against each of these nodes having been heard for a whole window, in words.
fn unwatched(facts: &Facts<'_>, nodes: &[&Node<'_>]) -> Vec<String> {
    let mut doubts = Vec::new();
    let scaling = &facts.spec.media.autoscaling;
    let window = usize::try_from(scaling.scale_down.readings()).unwrap_or(usize::MAX);
    let fresh = (scaling.reading_interval().as_millis() * INTERVALS).max(super::node::FRESH_MS);
    for node in nodes {
        for source in facts.profile.occupancy {
            if let Err(doubt) = node.reading(*source, facts.now.mono, fresh) {
                doubts.push(format!("{}: {doubt}", node.name));
                continue;
            }
            let heard = node
                .readings
                .and_then(|r| r.sources.get(source))
                .map_or(0, ovo_model::SourceRing::len);
            if heard < window {
                doubts.push(format!(
                    "{}: {heard} readings of {source:?}, {window} are a full window",
                    node.name
                ));
            }
        }
    }
    doubts
}

/// A closed node that the driver can take back counts as there: nothing is launched in its stead (rule S5).
fn revive_first(run: &mut Run<'_, '_>, step: &Step, group: &ResourceId, to: i64) {
    let facts = run.facts;
    let closed = facts
        .members(group)
        .filter(|n| n.media() == MediaState::Closed && !n.terminating())
        .count();
    let declared = facts.spec.media.replicas().clamp(
        facts.spec.media.min(),
        facts.spec.media.max().max(facts.spec.media.min()),
    );
    let manual = facts
        .status
        .and_then(|s| s.autoscaler.as_ref())
        .is_none_or(|a| a.mode == "Manual");
    if facts.profile.drain.revives() && closed > 0 && manual && to > i64::from(declared) {
        let text =
            format!("{closed} closed nodes can be taken back; {declared} are declared, not {to}");
        run.refuse(Rule::S5, step, text);
    }
}

/// For sums with capacities; no list here is longer than the schema's bounds.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
