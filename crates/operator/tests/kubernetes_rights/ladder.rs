//! An account that may do nothing at first, and is given one right after another: each only when its lack was seen.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::bed::{Bed, MOMENT, PAUSE};
use crate::rights::{Right, Role, bound};

/// Asked for by the admission of owner references and never by a request: what is refused is the record itself.
const FINALIZERS: (&str, &str, &str) = ("openvidu.io", "openviduclusters/finalizers", "update");

/// What was given, and what was found out on the way.
pub(crate) struct Ladder<'a> {
    bed: &'a Bed,
    /// Each role as it is shipped, and what of it was given.
    roles: Vec<(Role, BTreeSet<Right>)>,
    said: PathBuf,
    /// Rights whose lack nobody was told of.
    pub(crate) silent: Vec<Right>,
    /// Refusals that no shipped rule would have prevented.
    pub(crate) strange: BTreeSet<Right>,
}

// === impl Ladder ===

impl<'a> Ladder<'a> {
    /// Takes every right away.
    pub(crate) fn new(bed: &'a Bed) -> Self {
        let roles: Vec<_> = bound(bed)
            .into_iter()
            .map(|r| (r, BTreeSet::new()))
            .collect();
        for (role, nothing) in &roles {
            role.set(bed, nothing);
        }
        Self {
            bed,
            roles,
            said: bed.said(),
            silent: Vec::new(),
            strange: BTreeSet::new(),
        }
    }

    /// Gives what is refused, until it is over.
    pub(crate) fn climb(&mut self, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            let refused = self.bed.asked().into_iter().filter(|a| a.code == 403);
            for asked in refused.collect::<Vec<_>>() {
                self.give(Right::of(&asked), &asked.namespace);
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn give(&mut self, right: Right, namespace: &str) {
        let Some(at) = self
            .roles
            .iter()
            .position(|(r, _)| r.covers(&right, namespace))
        else {
            self.strange.insert(right);
            return;
        };
        let (group, resource, verb) = FINALIZERS;
        let hidden = Right::new(group, resource, verb);
        let is_record = right == Right::new(group, "openvidunodes", "create");
        let given = &self.roles[at].1;
        let lacks = match (
            given.contains(&right),
            is_record && !given.contains(&hidden),
        ) {
            (false, _) => right,
            // It may be a refusal from before: one that speaks of what it really lacks is waited for.
            (true, true) if self.is_told(&hidden, Duration::ZERO) => hidden,
            _ => return,
        };
        if !self.is_told(&lacks, MOMENT) {
            self.silent.push(lacks.clone());
        }
        let (role, given) = &mut self.roles[at];
        given.insert(lacks);
        role.set(self.bed, given);
    }

    /// Whether a log names the rule, soon.
    fn is_told(&self, right: &Right, within: Duration) -> bool {
        let began = Instant::now();
        loop {
            let said = std::fs::read_to_string(&self.said).unwrap_or_default();
            if said.lines().any(|line| right.is_named(line)) {
                return true;
            }
            if began.elapsed() >= within {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Shipped rights whose lack was never seen.
    pub(crate) fn idle(&self) -> Vec<&Right> {
        let roles = self.roles.iter();
        roles
            .flat_map(|(role, given)| role.rights.difference(given))
            .collect()
    }

    /// How many are shipped.
    pub(crate) fn shipped(&self) -> usize {
        self.roles.iter().map(|(role, _)| role.rights.len()).sum()
    }
}
