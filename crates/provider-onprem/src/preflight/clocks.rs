//! Clocks that differ.

use std::collections::BTreeMap;

use ovo_api::spec::PreflightCheck;

use super::finding::{Check, Finding};

/// How far a clock may be off, in milliseconds. LiveKit gives no room to a node whose record is older than 5 s by another
/// node's clock, and that record is rewritten every 2 s: what is left, halved.
const LIMIT_MS: i64 = 1_500;

/// How a machine's clock compares with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// How far it is ahead of ours, in milliseconds.
    pub ahead_ms: i64,
    /// By how much that may be wrong: the answer was under way for some time.
    pub slack_ms: i64,
}

/// The machines whose clock is off, by name. The right time is what most of them, and we, agree on.
pub fn judge_clocks(clocks: &BTreeMap<&str, Clock>) -> Vec<(String, Finding)> {
    // Ours is one voice among the others.
    let mut voices: Vec<i64> = clocks.values().map(|c| c.ahead_ms).chain([0]).collect();
    voices.sort_unstable();
    let Some(right) = voices.get((voices.len() - 1) / 2).copied() else {
        return Vec::new();
    };
    let off = |clock: &Clock| clock.ahead_ms - right;
    clocks
        .iter()
        .filter(|(_, clock)| off(clock).abs() > LIMIT_MS + clock.slack_ms)
        .map(|(name, clock)| {
            let off = off(clock);
            let (by, how) = (off.abs(), if off > 0 { "fast" } else { "slow" });
            let problem = format!("its clock is {}.{} s {how}", by / 1000, by % 1000 / 100);
            let way_out = "let it follow a time server (`timedatectl set-ntp true`)";
            let check = Check::Of(PreflightCheck::Clock);
            ((*name).to_owned(), Finding::new(check, problem, way_out))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(aheads: &[(&'static str, i64)]) -> Vec<String> {
        let clocks = aheads.iter().map(|(name, ahead_ms)| {
            let clock = Clock {
                ahead_ms: *ahead_ms,
                slack_ms: 200,
            };
            (*name, clock)
        });
        let found = judge_clocks(&clocks.collect()).into_iter();
        found
            .map(|(name, f)| format!("{name}: {}", f.problem))
            .collect()
    }

    #[test]
    fn who_differs_from_most_is_off() {
        assert!(off(&[("m1", 1_700), ("m2", -100), ("m3", 0)]).is_empty());
        assert_eq!(
            off(&[("m1", 90_000), ("m2", 0), ("m3", -2_340)]),
            [
                "m1: its clock is 90.0 s fast",
                "m3: its clock is 2.3 s slow"
            ]
        );
        // Ours is the one that is wrong.
        assert!(off(&[("m1", 60_000), ("m2", 60_000), ("m3", 60_100)]).is_empty());
        assert!(off(&[]).is_empty());
    }
}
