//! For any valid world and each rule: a step that the rule forbids, put into a plan that does nothing, is
//! refused by that very rule; and to do nothing is always allowed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod worlds;

use ovo_api::node::{DrainCause, SignalState};
use ovo_api::profile::OccupancySource;
use ovo_api::spec::DisruptionPolicy;
use ovo_model::{Cause, Ownership, Plan, Snapshot, Step};
use ovo_planner::check::{Rule, check};
use ovo_planner::fixtures::{Fixture, steps};
use proptest::prelude::*;
use worlds::{Place, Twist, World};

/// The two nodes with which the injected step deals; whatever else is there is random.
struct Stage {
    f: Fixture,
    v3: bool,
    first: String,
    second: String,
    media: i64,
    limit: i64,
}

type Crime = (Snapshot, Vec<Step>);

fn done(f: Fixture, step: impl Fn(&Snapshot) -> Step) -> Crime {
    let snapshot = f.snapshot();
    let step = step(&snapshot);
    (snapshot, vec![step])
}

impl Stage {
    fn on(world: &World) -> Self {
        let mut world = world.clone();
        world.places.splice(0..0, [Place::Serving, Place::Serving]);
        let limit = i64::from(world.replicas.max(1) + world.surge);
        let media = i64::try_from(world.places.len()).unwrap();
        Self {
            f: world.fixture(),
            v3: world.v3,
            first: world.name(0),
            second: world.name(1),
            media,
            limit,
        }
    }

    fn ends_first(&self, f: Fixture) -> Crime {
        let (v3, name) = (self.v3, self.first.clone());
        done(f, |s| {
            if v3 {
                steps::stop(s, &name, Cause::ScaleIn)
            } else {
                steps::terminate(s, &name, Cause::ScaleIn)
            }
        })
    }

    fn closes_first(&self, f: Fixture) -> Crime {
        let (v3, name, media) = (self.v3, self.first.clone(), self.media);
        done(f, |s| {
            if v3 {
                steps::signal(s, &name, Cause::ScaleIn)
            } else {
                steps::capacity(s, "media", media, media - 1, Cause::ScaleIn)
            }
        })
    }

    fn adds(&self, f: Fixture) -> Crime {
        let (v3, name) = (self.v3, self.second.clone());
        let (from, to) = (self.media, self.media.max(self.limit) + 1);
        let f = if v3 { f.node(&name).stopped() } else { f };
        done(f, |s| {
            if v3 {
                steps::start(s, &name, Cause::Growth)
            } else {
                steps::capacity(s, "media", from, to, Cause::Growth)
            }
        })
    }

    /// Breaks a rule.
    fn breaks(self, rule: Rule) -> Crime {
        let (first, second) = (self.first.clone(), self.second.clone());
        let f = self.f.clone().node(&first);
        let config = |s: &Snapshot| steps::set(s, "Config/cluster", "digest", Cause::Config);
        match rule {
            Rule::S1 => self.ends_first(f),
            Rule::S2 if self.v3 => {
                self.ends_first(f.exited().silent(&first, OccupancySource::Egress))
            }
            Rule::S2 => self.closes_first(f.unread(&first)),
            Rule::S3 => {
                let snapshot = f.snapshot();
                let crimes = if self.v3 {
                    ["m3", "m4"]
                        .map(|m| steps::stop(&snapshot, m, Cause::Masters))
                        .to_vec()
                } else {
                    vec![steps::capacity(&snapshot, "masters", 2, 0, Cause::Masters)]
                };
                (snapshot, crimes)
            }
            Rule::S4 => {
                let sent = |r: &mut ovo_api::OpenViduNodeStatus| {
                    r.drain.as_mut().unwrap().signals[0].state = SignalState::Sent;
                };
                self.closes_first(f.draining(DrainCause::ScaleIn).record(sent))
            }
            Rule::S5 if self.v3 => {
                self.closes_first(f.draining(DrainCause::ScaleIn).joined_for(60_000))
            }
            Rule::S5 => self.closes_first(f.joined_for(60_000)),
            Rule::S6 => {
                let one = f.at_most(1, 0);
                self.adds(if self.v3 { one } else { self.f.clone() })
            }
            Rule::S7 => {
                let none =
                    |f: Fixture| f.spec(|s| s.media.remediation.max_unhealthy = "0%".parse().ok());
                let both = f.nodes([&first, &second]);
                self.ends_first(none(if self.v3 {
                    both.crashed()
                } else {
                    both.never_joined()
                }))
            }
            Rule::S8 => {
                let group = if self.v3 {
                    format!("Machine/{first}")
                } else {
                    "Group/media".to_owned()
                };
                let f = f.owned_by(&group, Ownership::Foreign("another/cluster".to_owned()));
                if self.v3 {
                    self.ends_first(f.exited())
                } else {
                    self.closes_first(f)
                }
            }
            Rule::S9 => self.adds(f.paused()),
            Rule::S10 => done(f, config),
            Rule::S11 => done(f.wants("Config/cluster", "digest", "config-2"), config),
            Rule::S12 => {
                let v3 = self.v3;
                done(f.deleting(), |s| {
                    if v3 {
                        steps::stop(s, "m4", Cause::Deletion)
                    } else {
                        steps::capacity(s, "masters", 2, 0, Cause::Deletion)
                    }
                })
            }
            _ => {
                let f = f
                    .rooms(&first, 1)
                    .edited()
                    .wants("Config/cluster", "digest", "config-2");
                done(
                    f.spec(|s| s.disruption.config = Some(DisruptionPolicy::WhenIdle)),
                    config,
                )
            }
        }
    }
}

fn plan(snapshot: &Snapshot, steps: Vec<Step>) -> Plan {
    steps::plan(snapshot, steps)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_rule_is_enforced_in_any_world(world in worlds::any(), silent_master in prop::bool::ANY) {
        let mut world = world;
        // What is wrong with the rest of the world must not hide the crime.
        world.twist = if silent_master { Twist::MasterSilent } else { Twist::None };
        for rule in Rule::SAFETY {
            // OpenVidu 2 has no signal of ours that could be sent twice.
            if rule == Rule::S4 && !world.v3 {
                continue;
            }
            let (snapshot, steps) = Stage::on(&world).breaks(rule);
            let refusals = check(&snapshot, &plan(&snapshot, steps.clone()));
            prop_assert!(
                refusals.iter().any(|r| r.rule == rule),
                "{rule} let {:?} pass:\n{}",
                steps.iter().map(|s| s.id.to_string()).collect::<Vec<_>>(),
                refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            );
        }
    }

    #[test]
    fn to_do_nothing_is_always_allowed(world in worlds::any()) {
        let snapshot = world.snapshot();
        prop_assert_eq!(check(&snapshot, &steps::quiet(&snapshot)), []);
    }
}
