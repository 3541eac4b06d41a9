//! The rooms of each day: drawn from the seed, the deployment and the day alone.

use ovo_model::Wall;

use crate::draw::Draw;
use crate::event::Event;
use crate::room::{RoomId, RoomPlan};
use crate::world::{Dep, World};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Room numbers of one day.
const PER_DAY: u64 = 100_000;

impl World {
    pub(crate) fn begin_days(&mut self, dep: Dep) {
        if self.config.workload.rooms_per_day > 0 {
            let day = self.now().0.div_euclid(DAY).cast_unsigned();
            self.announce_day(dep, day);
        }
    }

    fn lots(&self, dep: Dep, purpose: &str, number: u64) -> Draw {
        let id = self.deployment(dep).id.clone();
        let mut own = Draw::of(self.seed, &id, 1);
        Draw::of(own.below(u64::MAX), purpose, number)
    }

    pub(crate) fn announce_day(&mut self, dep: Dep, day: u64) {
        let workload = &self.config.workload;
        let mut lots = self.lots(dep, "day", day);
        let weights: u64 = workload.hours.iter().map(|w| u64::from(*w)).sum();
        let hours = workload.hours;
        let least = u64::from(workload.rooms_per_day);
        let rooms = least + lots.below(least / 10 + 1);
        let begins = Wall(self.deployment(dep).since.0 + workload.begins_after);
        let midnight = day.cast_signed() * DAY;
        for number in 0..rooms {
            let mut lot = lots.below(weights.max(1));
            let hour = hours
                .iter()
                .position(|w| {
                    let here = lot < u64::from(*w);
                    lot = lot.saturating_sub(u64::from(*w));
                    here
                })
                .unwrap_or(0);
            let within = lots.below(HOUR.cast_unsigned()).cast_signed();
            let at = Wall(midnight + i64::try_from(hour).unwrap_or(0) * HOUR + within);
            if at >= begins {
                self.queue
                    .put(at, Event::Arrive(dep, RoomId(day * PER_DAY + number)));
            }
        }
        self.queue
            .put(Wall(midnight + DAY), Event::Day(dep, day + 1));
    }

    pub(crate) fn arrive(&mut self, dep: Dep, id: RoomId) {
        let plan = RoomPlan::drawn(&self.config.workload, self.lots(dep, "room", id.0));
        self.open_room(dep, id, plan);
    }
}
