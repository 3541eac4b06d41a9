//! Life-cycle hooks: a member waits for each of them, launching or terminating, until it is completed or times out.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Event;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::group::{Group, State};

#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) launching: bool,
    pub(crate) timeout: Duration,
    /// What a time-out comes to: `CONTINUE`, or `ABANDON`.
    pub(crate) continues: bool,
}

impl Hook {
    /// "48 hours or 100 times the heartbeat timeout, whichever is smaller."
    fn longest(&self) -> Duration {
        (self.timeout * 100).min(Duration::from_hours(48))
    }

    fn transition(&self) -> &'static str {
        if self.launching {
            "autoscaling:EC2_INSTANCE_LAUNCHING"
        } else {
            "autoscaling:EC2_INSTANCE_TERMINATING"
        }
    }
}

/// A member waits for a hook.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub(crate) hook: String,
    pub(crate) token: String,
    pub(crate) until: Timestamp,
    /// No heartbeat leads beyond it.
    longest: Timestamp,
}

/// Adds or changes a hook as a request has it.
pub(super) fn add(group: &mut Group, input: &Record, limit: usize) -> Result<(), Fault> {
    let name = input.needed("LifecycleHookName");
    let old = group.hooks.get(name);
    let launching = match (input.text("LifecycleTransition"), old) {
        (Some("autoscaling:EC2_INSTANCE_LAUNCHING"), _) => true,
        (Some("autoscaling:EC2_INSTANCE_TERMINATING"), _) => false,
        (None, Some(old)) => old.launching,
        (given, _) => {
            return Err(Fault::validation(format!(
                "Invalid LifecycleTransition: {}",
                given.unwrap_or("none")
            )));
        }
    };
    let timeout = match (input.integer("HeartbeatTimeout"), old) {
        (Some(seconds @ 30..=7200), _) => Duration::from_secs(seconds.unsigned_abs()),
        (Some(seconds), _) => {
            return Err(Fault::validation(format!(
                "HeartbeatTimeout must be 30 to 7200 seconds, not {seconds}"
            )));
        }
        (None, Some(old)) => old.timeout,
        // "The default is 3600 seconds."
        (None, None) => Duration::from_hours(1),
    };
    let continues = match (input.text("DefaultResult"), old) {
        (Some("CONTINUE"), _) => true,
        (None, Some(old)) => old.continues,
        // Also where nothing is said.
        (Some("ABANDON"), _) | (None, None) => false,
        (Some(other), _) => {
            return Err(Fault::validation(format!("Invalid DefaultResult: {other}")));
        }
    };
    if old.is_none() && group.hooks.len() >= limit {
        return Err(Fault::new(
            "LimitExceeded",
            "You have reached the limit of lifecycle hooks",
        ));
    }
    group.hooks.insert(
        name.to_owned(),
        Hook {
            launching,
            timeout,
            continues,
        },
    );
    Ok(())
}

impl Region {
    /// A member begins to wait for all hooks of its transition. False where there is none to wait for.
    pub(super) fn begin_waits(&mut self, group: &str, instance: &str, launching: bool) -> bool {
        let now = self.now();
        let hooks: Vec<_> = self
            .groups
            .get(group)
            .map(|g| {
                g.hooks
                    .iter()
                    .filter(|(_, hook)| hook.launching == launching)
                    .map(|(name, hook)| (name.clone(), hook.timeout, hook.longest()))
                    .collect()
            })
            .unwrap_or_default();
        let mut waits = Vec::new();
        for (hook, timeout, longest) in hooks {
            let token = self.uuid();
            let end = Event::HookEnds(group.to_owned(), instance.to_owned(), token.clone());
            self.after(timeout, end);
            waits.push(Wait {
                hook,
                token,
                until: now + timeout,
                longest: now + longest,
            });
        }
        let any = !waits.is_empty();
        if let Some(member) = self
            .groups
            .get_mut(group)
            .and_then(|g| g.members.get_mut(instance))
        {
            member.waits = waits;
            if any {
                member.state = if launching {
                    State::PendingWait
                } else {
                    State::TerminatingWait
                };
            }
        }
        any
    }

    /// A time-out has come, unless heartbeats have moved it.
    pub(crate) fn hook_ends(&mut self, group: &str, instance: &str, token: &str) {
        let now = self.now();
        let Some(found) = self.groups.get(group) else {
            return;
        };
        let Some(wait) = found
            .members
            .get(instance)
            .and_then(|m| m.waits.iter().find(|w| w.token == token))
        else {
            return;
        };
        if wait.until > now {
            return;
        }
        // A hook that was deleted meanwhile lets its waits run out and continues.
        let continues = found
            .hooks
            .get(&wait.hook)
            .is_none_or(|hook| hook.continues);
        self.hook_done(group, instance, token, continues);
    }

    /// A hook is through with a member; with the last one it goes on. One that abandons makes the others void.
    fn hook_done(&mut self, group: &str, instance: &str, token: &str, continues: bool) {
        let Some(member) = self
            .groups
            .get_mut(group)
            .and_then(|g| g.members.get_mut(instance))
        else {
            return;
        };
        member.waits.retain(|wait| wait.token != token);
        if !continues {
            member.waits.clear();
            member.abandoned = true;
        }
        if !member.waits.is_empty() {
            return;
        }
        match (member.state, member.abandoned) {
            (State::PendingWait, true) => self.abandon_launch(group, instance),
            (State::PendingWait, false) => self.proceed_launch(group, instance),
            // "ABANDON stops any remaining actions; both allow the instance to terminate."
            _ => self.proceed_end(group, instance),
        }
    }

    /// The wait that a request means, by its token or by the instance.
    fn wait_of(&mut self, input: &Record) -> Result<(String, String, String), Fault> {
        let hook = input.needed("LifecycleHookName").to_owned();
        let (token, instance) = (input.text("LifecycleActionToken"), input.text("InstanceId"));
        let group = self.group_named(input.needed("AutoScalingGroupName"))?;
        if token.is_none() && instance.is_none() {
            return Err(Fault::validation(
                "LifecycleActionToken or InstanceId must be specified",
            ));
        }
        group
            .members
            .iter()
            .filter(|(id, _)| instance.is_none_or(|instance| instance == *id))
            .flat_map(|(id, member)| member.waits.iter().map(move |wait| (id, wait)))
            .find(|(_, wait)| wait.hook == hook && token.is_none_or(|token| token == wait.token))
            .map(|(id, wait)| (group.name.clone(), id.clone(), wait.token.clone()))
            .ok_or_else(|| {
                Fault::validation(format!(
                    "No active Lifecycle Action found with {}",
                    match (instance, token) {
                        (Some(instance), _) => format!("instance ID {instance}"),
                        (None, token) => format!("token {}", token.unwrap_or_default()),
                    }
                ))
            })
    }
}

pub(super) fn put(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let limit = region.quotas.hooks_per_group;
    add(
        region.group_named(input.needed("AutoScalingGroupName"))?,
        input,
        limit,
    )?;
    Ok(Record::new())
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let asked = input.texts("LifecycleHookNames");
    let group = region.group_named(input.needed("AutoScalingGroupName"))?;
    let hooks: Vec<_> = group
        .hooks
        .iter()
        .filter(|(name, _)| asked.is_empty() || asked.contains(name))
        .map(|(name, hook)| {
            let seconds = |d: Duration| i64::try_from(d.as_secs()).ok();
            Record::new()
                .with("LifecycleHookName", name)
                .with("AutoScalingGroupName", &group.name)
                .with("LifecycleTransition", hook.transition())
                .with("HeartbeatTimeout", seconds(hook.timeout))
                .with("GlobalTimeout", seconds(hook.longest()))
                .with(
                    "DefaultResult",
                    if hook.continues {
                        "CONTINUE"
                    } else {
                        "ABANDON"
                    },
                )
        })
        .collect();
    Ok(Record::new().with("LifecycleHooks", hooks))
}

/// "If there are any outstanding lifecycle actions, they are completed first (ABANDON for launching instances,
/// CONTINUE for terminating instances)."
pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let hook = input.needed("LifecycleHookName").to_owned();
    let group = region.group_named(input.needed("AutoScalingGroupName"))?;
    if !group.hooks.contains_key(&hook) {
        return Err(Fault::validation(format!(
            "No Lifecycle Hook found with name {hook}"
        )));
    }
    let name = group.name.clone();
    let open: Vec<_> = group
        .members
        .iter()
        .flat_map(|(id, member)| {
            let of = member.waits.iter().filter(|wait| wait.hook == hook);
            of.map(move |wait| (id.clone(), wait.token.clone(), member.state.ends()))
        })
        .collect();
    group.hooks.remove(&hook);
    for (instance, token, ends) in open {
        region.hook_done(&name, &instance, &token, ends);
    }
    Ok(Record::new())
}

pub(super) fn complete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let continues = match input.needed("LifecycleActionResult") {
        "CONTINUE" => true,
        "ABANDON" => false,
        other => {
            return Err(Fault::validation(format!(
                "Invalid LifecycleActionResult: {other}"
            )));
        }
    };
    let (group, instance, token) = region.wait_of(input)?;
    region.hook_done(&group, &instance, &token, continues);
    Ok(Record::new())
}

pub(super) fn heartbeat(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (group, instance, token) = region.wait_of(input)?;
    let now = region.now();
    let mut until = now;
    if let Some(found) = region.groups.get_mut(&group) {
        let timeouts: Vec<_> = found
            .hooks
            .iter()
            .map(|(name, hook)| (name.clone(), hook.timeout))
            .collect();
        let member = found.members.get_mut(&instance);
        if let Some(wait) = member.and_then(|m| m.waits.iter_mut().find(|w| w.token == token)) {
            let timeout = timeouts
                .iter()
                .find(|(name, _)| *name == wait.hook)
                .map(|(_, t)| *t);
            wait.until = (now + timeout.unwrap_or_default()).min(wait.longest);
            until = wait.until;
        }
    }
    region
        .clock
        .put(until, Event::HookEnds(group, instance, token));
    Ok(Record::new())
}
