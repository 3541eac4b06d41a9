//! What people see while the operator works.

mod board;
mod changes;
mod facts;
mod frame;
mod live;
mod progress;
mod terminal;

pub(crate) use board::{Activity, Board, Watch};
pub(crate) use changes::{Change, Changes, Kind};
pub(crate) use facts::{Occupancies, phases, step_words, under_way};
pub(crate) use frame::{Frame, Row, Style, render};
pub(crate) use live::{Live, say, tell_lines, tell_logs};
pub(crate) use progress::Progress;
pub(crate) use terminal::{Screen, give_terminal_back};

/// The length of time between two moments, as `kubectl` writes it: `42s`, `3m12s`, `5h7m`, `12d`.
pub(crate) fn age(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => format!("{minutes}m{}s", seconds % 60),
        600..10_800 => format!("{minutes}m"),
        10_800..36_000 => format!("{hours}h{}m", minutes % 60),
        36_000..172_800 => format!("{hours}h"),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_are_short() {
        let cases = [
            (-5, "0s"),
            (42_000, "42s"),
            (192_000, "3m12s"),
            (1_000_000, "16m"),
            (18_420_000, "5h7m"),
        ];
        for (millis, text) in cases {
            assert_eq!(age(millis), text);
        }
        assert_eq!(age(12 * 86_400_000), "12d");
    }
}
