//! Recurring times: five cron fields in a time zone, and for how long.
//!
//! Time zones come from the database that is built in, never from the machine's own files, so that the same
//! object means the same everywhere.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use crate::spec::Window;
use crate::value::Duration;

/// How far a next start is looked for: a 29th of February may be eight years away (1896 to 1904, 2096 to 2104).
const HORIZON_DAYS: i32 = 8 * 366;

/// A recurring time of day: five cron fields (minute, hour, day of month, month, day of week).
///
/// Lists, ranges, steps and the English three-letter names of months and days are understood; 0 and 7 are
/// Sunday. Where both days are restricted, either suffices, as in every cron since Vixie's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Both kinds of day are restricted: either suffices.
    either_day: bool,
}

/// Why a text is no recurring time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not five fields.
    #[error(
        "`{0}` has not five cron fields (minute hour day month weekday), such as `0 3 * * MON-FRI`"
    )]
    Fields(String),
    /// A field that says nothing.
    #[error(
        "`{value}` is no {field} in cron: write {from} to {to}, a list, a range, a step or `*`"
    )]
    Field {
        /// Which of the five.
        field: &'static str,
        /// What stands there.
        value: String,
        /// Smallest value.
        from: u8,
        /// Greatest value.
        to: u8,
    },
    /// A day that does not exist, such as 31 February.
    #[error("`{0}` never comes")]
    Never(String),
    /// No such time zone.
    #[error("`{0}` is no time zone of the IANA database: write one such as Europe/Madrid, or UTC")]
    TimeZone(String),
}

struct Field {
    name: &'static str,
    from: u8,
    to: u8,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        from: 0,
        to: 59,
        names: &[],
    },
    Field {
        name: "hour",
        from: 0,
        to: 23,
        names: &[],
    },
    Field {
        name: "day of month",
        from: 1,
        to: 31,
        names: &[],
    },
    Field {
        name: "month",
        from: 1,
        to: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field {
        name: "day of week",
        from: 0,
        to: 7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

/// The named time zone, from the built-in database; UTC when none is named.
///
/// # Errors
/// [`WindowError::TimeZone`] names the text.
pub fn time_zone(name: Option<&str>) -> Result<TimeZone, WindowError> {
    match name {
        None => Ok(TimeZone::UTC),
        Some(name) => TimeZoneDatabase::bundled()
            .get(name)
            .map_err(|_| WindowError::TimeZone(name.to_owned())),
    }
}

/// Whether one of these windows is open at this moment (milliseconds since 1970-01-01T00:00:00Z).
///
/// A window that cannot be read is closed: validation refuses it, and nothing may be cut because of it.
pub fn open_at(windows: &[Window], at_ms: i64) -> bool {
    windows
        .iter()
        .any(|w| covers(&w.cron, w.time_zone.as_deref(), w.duration, at_ms).unwrap_or(false))
}

/// When the next of these windows opens after this moment, both in milliseconds since 1970-01-01T00:00:00Z.
pub fn next_opening(windows: &[Window], after_ms: i64) -> Option<i64> {
    let after = Timestamp::from_millisecond(after_ms).ok()?;
    windows
        .iter()
        .filter_map(|w| {
            let zone = time_zone(w.time_zone.as_deref()).ok()?;
            w.cron.parse::<Cron>().ok()?.next_start(&zone, after)
        })
        .min()
        .map(Timestamp::as_millisecond)
}

/// Whether a recurring time of this length covers a moment (milliseconds since 1970-01-01T00:00:00Z).
///
/// # Errors
/// When the cron fields or the time zone cannot be read.
pub fn covers(
    cron: &str,
    zone: Option<&str>,
    duration: Duration,
    at_ms: i64,
) -> Result<bool, WindowError> {
    let (cron, zone) = (cron.parse::<Cron>()?, time_zone(zone)?);
    let Ok(at) = Timestamp::from_millisecond(at_ms) else {
        return Ok(false);
    };
    let start = cron.last_start(&zone, at, duration);
    Ok(start.is_some_and(|s| at_ms - s.as_millisecond() < duration.as_millis()))
}

// === impl Cron ===

impl Cron {
    /// The latest start at or before a moment, looked for no further back than `within`.
    pub fn last_start(
        &self,
        zone: &TimeZone,
        at: Timestamp,
        within: Duration,
    ) -> Option<Timestamp> {
        let today = at.to_zoned(zone.clone()).date();
        let days = i32::try_from(within.as_millis() / 86_400_000 + 1).ok()?;
        (0..=days).find_map(|back| {
            let day = today.checked_sub(back.days()).ok()?;
            self.times_on(day)
                .rev()
                .find_map(|time| start(day, time, zone).filter(|s| *s <= at))
        })
    }

    /// The first start after a moment.
    pub fn next_start(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        let today = after.to_zoned(zone.clone()).date();
        (0..=HORIZON_DAYS).find_map(|ahead| {
            let day = today.checked_add(ahead.days()).ok()?;
            self.times_on(day)
                .find_map(|time| start(day, time, zone).filter(|s| *s > after))
        })
    }

    fn times_on(&self, day: Date) -> impl DoubleEndedIterator<Item = Time> + use<'_> {
        let hours = if self.falls_on(day) { self.hours } else { 0 };
        (0..24i8).filter(move |h| has(hours, *h)).flat_map(|h| {
            (0..60i8)
                .filter(|m| has(self.minutes, *m))
                .filter_map(move |m| Time::new(h, m, 0, 0).ok())
        })
    }

    fn falls_on(&self, day: Date) -> bool {
        let by_date = has(self.days, day.day());
        let by_weekday = has(self.weekdays, day.weekday().to_sunday_zero_offset());
        let falls = if self.either_day {
            by_date || by_weekday
        } else {
            by_date && by_weekday
        };
        falls && has(self.months, day.month())
    }
}

/// A local time as a moment: where the clock jumps over it, right after the jump; where it comes twice, the first.
fn start(day: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(day.to_datetime(time))
        .compatible()
        .ok()
}

const fn has(set: u64, value: i8) -> bool {
    value >= 0 && set >> value & 1 == 1
}

impl FromStr for Cron {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts.as_slice() else {
            return Err(WindowError::Fields(text.to_owned()));
        };
        let [minutes, hours, days, months, weekdays] = [
            FIELDS[0].read(minute)?,
            FIELDS[1].read(hour)?,
            FIELDS[2].read(day)?,
            FIELDS[3].read(month)?,
            FIELDS[4].read(weekday)?,
        ];
        let sunday = 1 << Weekday::Sunday.to_sunday_zero_offset();
        let weekdays = if weekdays >> 7 & 1 == 1 {
            weekdays | sunday
        } else {
            weekdays
        };
        let either_day = !day.starts_with('*') && !weekday.starts_with('*');
        let cron = Self {
            minutes,
            hours,
            days,
            months,
            weekdays,
            either_day,
        };
        if cron.never() {
            Err(WindowError::Never(text.to_owned()))
        } else {
            Ok(cron)
        }
    }
}

impl Cron {
    /// No month that is chosen has a day that is chosen.
    fn never(&self) -> bool {
        const LONGEST: [i8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        !self.either_day
            && !(1..=12i8).zip(LONGEST).any(|(month, days)| {
                has(self.months, month) && (1..=days).any(|d| has(self.days, d))
            })
    }
}

// === impl Field ===

impl Field {
    fn read(&self, text: &str) -> Result<u64, WindowError> {
        let refused = || WindowError::Field {
            field: self.name,
            value: text.to_owned(),
            from: self.from,
            to: self.to,
        };
        text.split(',')
            .try_fold(0, |set, part| Some(set | self.part(part)?))
            .ok_or_else(refused)
    }

    fn part(&self, part: &str) -> Option<u64> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u8>().ok().filter(|s| *s > 0)?)),
            None => (part, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (self.from, self.to),
            (_, Some((from, to))) => (self.value(from)?, self.value(to)?),
            // `5/10` counts on to the end.
            (one, None) => (
                self.value(one)?,
                if step.is_some() {
                    self.to
                } else {
                    self.value(one)?
                },
            ),
        };
        let chosen = (from <= to).then(|| (from..=to).step_by(step.unwrap_or(1).into()))?;
        Some(chosen.fold(0, |set, value| set | 1 << value))
    }

    fn value(&self, text: &str) -> Option<u8> {
        let digits =
            !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        if digits {
            return text
                .parse()
                .ok()
                .filter(|v| (self.from..=self.to).contains(v));
        }
        let place = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text))?;
        u8::try_from(place).ok().map(|p| p + self.from)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} for {}",
            self.cron,
            self.time_zone.as_deref().unwrap_or("UTC"),
            self.duration
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn open(cron: &str, zone: &str, duration: &str, at: &str) -> bool {
        covers(cron, Some(zone), duration.parse().unwrap(), ms(at)).unwrap()
    }

    fn next(cron: &str, zone: &str, after: &str) -> String {
        let zone = time_zone(Some(zone)).unwrap();
        cron.parse::<Cron>()
            .unwrap()
            .next_start(&zone, after.parse().unwrap())
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_window_is_open_from_its_start_for_its_length() {
        for (at, is_open) in [
            ("2026-06-03T02:59:59.999Z", false),
            ("2026-06-03T03:00:00Z", true),
            ("2026-06-03T04:59:59.999Z", true),
            ("2026-06-03T05:00:00Z", false),
        ] {
            assert_eq!(open("0 3 * * *", "UTC", "2h", at), is_open, "{at}");
        }
    }

    #[test]
    fn a_window_goes_on_past_midnight_and_over_days() {
        assert!(open("0 22 * * FRI", "UTC", "56h", "2026-06-07T20:00:00Z"));
        assert!(!open("0 22 * * FRI", "UTC", "56h", "2026-06-08T06:00:00Z"));
    }

    #[test]
    fn a_window_follows_its_own_time_zone() {
        assert!(open(
            "0 3 * * *",
            "Europe/Madrid",
            "1h",
            "2026-06-03T01:30:00Z"
        ));
        assert!(!open(
            "0 3 * * *",
            "Europe/Madrid",
            "1h",
            "2026-06-03T03:30:00Z"
        ));
        assert!(open(
            "0 3 * * *",
            "Europe/Madrid",
            "1h",
            "2026-12-03T02:30:00Z"
        ));
    }

    #[test]
    fn a_start_that_the_clock_jumps_over_comes_right_after_the_jump() {
        // 29 March 2026, 02:00 becomes 03:00 in Madrid (01:00 in UTC).
        assert_eq!(
            next("30 2 * * *", "Europe/Madrid", "2026-03-28T12:00:00Z"),
            "2026-03-29T01:30:00Z"
        );
    }

    #[test]
    fn a_start_that_comes_twice_counts_once() {
        // 25 October 2026, 03:00 becomes 02:00 in Madrid: 02:30 is 00:30 and again 01:30 in UTC.
        assert_eq!(
            next("30 2 * * *", "Europe/Madrid", "2026-10-24T12:00:00Z"),
            "2026-10-25T00:30:00Z"
        );
        assert_eq!(
            next("30 2 * * *", "Europe/Madrid", "2026-10-25T00:30:00Z"),
            "2026-10-26T01:30:00Z"
        );
    }

    #[test]
    fn fields_mean_what_they_mean_to_cron() {
        for (cron, start) in [
            ("*/15 * * * *", "2026-06-03T10:15:00Z"),
            ("5/20 * * * *", "2026-06-03T10:05:00Z"),
            ("0 9-17/4 * * *", "2026-06-03T13:00:00Z"),
            ("0 0 1,15 * *", "2026-06-15T00:00:00Z"),
            ("0 0 * * 0", "2026-06-07T00:00:00Z"),
            ("0 0 * * 7", "2026-06-07T00:00:00Z"),
            ("0 0 * jul sat-sat", "2026-07-04T00:00:00Z"),
            // Either of the two days: Friday the 5th comes before the 13th.
            ("0 0 13 * FRI", "2026-06-05T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
        ] {
            assert_eq!(next(cron, "UTC", "2026-06-03T10:00:00Z"), start, "{cron}");
        }
    }

    #[test]
    fn what_is_no_cron_is_refused_with_the_field() {
        for (cron, part) in [
            ("0 3 * *", "five cron fields"),
            ("60 3 * * *", "`60` is no minute in cron: write 0 to 59"),
            ("0 24 * * *", "hour"),
            ("0 3 0 * *", "day of month"),
            ("0 3 * 13 *", "month"),
            ("0 3 * * 8", "day of week"),
            ("0 3 * * MONDAY", "day of week"),
            ("*/0 3 * * *", "minute"),
            ("5-1 3 * * *", "minute"),
            ("-1 3 * * *", "minute"),
            ("1, 3 * * *", "minute"),
            ("0 3 31 2,4 *", "never comes"),
        ] {
            let error = cron.parse::<Cron>().unwrap_err().to_string();
            assert!(error.contains(part), "{cron}: {error}");
        }
        assert!(
            time_zone(Some("Europe/Nowhere"))
                .unwrap_err()
                .to_string()
                .contains("Europe/Nowhere")
        );
    }

    #[test]
    fn a_window_that_cannot_be_read_is_closed() {
        let window = |cron: &str, zone: &str| Window {
            cron: cron.into(),
            time_zone: Some(zone.into()),
            duration: Duration::from_secs(86_400),
        };
        let at = ms("2026-06-03T03:00:00Z");
        assert!(open_at(
            &[window("nonsense", "UTC"), window("0 3 * * *", "UTC")],
            at
        ));
        assert!(!open_at(
            &[
                window("nonsense", "UTC"),
                window("0 3 * * *", "Mars/Olympus")
            ],
            at
        ));
        assert_eq!(
            next_opening(&[window("0 3 * * *", "UTC")], at),
            Some(at + 86_400_000)
        );
    }
}
