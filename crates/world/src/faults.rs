//! What fails by itself: drawn hour by hour, from the seed alone.

use ovo_api::act::Role;
use ovo_api::profile::OccupancySource;
use ovo_model::{NodeName, Wall};

use crate::deployment::Shape;
use crate::draw::Draw;
use crate::event::{Event, Fault};
use crate::node::{Node, Power};
use crate::world::{Dep, World};

const HOUR: i64 = 3_600_000;

impl World {
    pub(crate) fn begin_faults(&mut self, dep: Dep) {
        if self.config.faults != crate::config::FaultRates::default() {
            let next = self.now().0.div_euclid(HOUR) + 1;
            self.queue.put(
                Wall(next * HOUR),
                Event::FaultHour(dep, next.cast_unsigned()),
            );
        }
    }

    fn fault_lots(&self, dep: Dep, number: u64) -> Draw {
        let id = self.deployment(dep).id.clone();
        Draw::of(Draw::of(self.seed, &id, 2).below(u64::MAX), "fault", number)
    }

    pub(crate) fn draw_faults(&mut self, dep: Dep, hour: u64) {
        let mut lots = self.fault_lots(dep, hour);
        let rates = self.config.faults.clone();
        let source = match self.deployment(dep).shape {
            Shape::Groups => OccupancySource::MediaNodes,
            Shape::Machines => [
                OccupancySource::LiveKit,
                OccupancySource::Egress,
                OccupancySource::Ingress,
            ]
            .get(lots.index(3))
            .copied()
            .unwrap_or(OccupancySource::LiveKit),
        };
        let classes = [
            (rates.crash, Fault::Crash),
            (rates.hang, Fault::Hang),
            (rates.dead, Fault::Dead),
            (rates.install, Fault::Install),
            (rates.master, Fault::Master),
            (rates.redis, Fault::Redis),
            (rates.throttle, Fault::Throttle),
            (rates.metrics, Fault::Metrics(source)),
        ];
        for (rate, fault) in classes {
            // Rates are per thousand days of 24 hours.
            let falls = lots.below(24_000) < u64::from(rate);
            let when = lots.below(HOUR.cast_unsigned()).cast_signed();
            if falls {
                self.put_after(when, Event::Fault(dep, fault));
            }
        }
        self.put_after(HOUR, Event::FaultHour(dep, hour + 1));
    }

    pub(crate) fn befall(&mut self, dep: Dep, fault: &Fault) {
        let mut lots = self.fault_lots(dep, self.now().0.cast_unsigned());
        let rates = self.config.faults.clone();
        let (short, repair) = (lots.within(rates.short()), lots.within(rates.repair()));
        let until = self.after(short);
        let role = if *fault == Fault::Master {
            Role::Master
        } else {
            Role::Media
        };
        let candidates: Vec<NodeName> = self
            .deployment(dep)
            .nodes_in(role)
            .filter(|n: &&Node| n.power == Power::On)
            .map(|n| n.name.clone())
            .collect();
        let victim = candidates.get(lots.index(candidates.len())).cloned();
        self.ledger.befell += 1;
        match (fault, victim) {
            (Fault::Redis, _) => {
                self.dep_mut(dep).trouble.redis_slow_until = Some(until);
            }
            (Fault::Throttle, _) => {
                let until = self.after(short.min(120_000));
                self.dep_mut(dep).trouble.throttled_until = Some(until);
            }
            (Fault::Crash, Some(node)) => self.crash(dep, &node, "openvidu"),
            (Fault::Hang, Some(node)) => self.hang(dep, &node, Some(short)),
            (Fault::Dead, Some(node)) => self.power_off(dep, &node, Some(repair), Power::Off),
            (Fault::Master, Some(node)) => {
                let boot = self.config.timings.boot;
                let length = lots.within(boot);
                self.power_off(dep, &node, Some(length), Power::Off);
            }
            (Fault::Install, Some(node)) => {
                if let Some(machine) = self.node_mut(dep, &node).and_then(Node::machine_mut) {
                    machine.will_fail = true;
                }
            }
            (Fault::Metrics(source), Some(node)) => {
                let now = self.now();
                let silent = &mut self.dep_mut(dep).trouble.silent;
                silent.retain(|_, until| *until > now);
                silent.insert((node, *source), until);
            }
            (_, None) => {}
        }
    }
}
