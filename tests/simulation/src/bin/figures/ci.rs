//! How long a cold run of CI took, where one was made on this machine.

use std::path::PathBuf;
use std::{env, fs, io};

use crate::report::Report;

/// What `.ci/run` leaves in its cache after a cold run that passed: seconds, and the commit that it ran on.
const FILE: &str = "ci-seconds";

/// Adds the duration in minutes, or says that there is none.
///
/// # Errors
/// When the file is there and says something else.
pub(crate) fn duration(report: &mut Report) -> Result<(), String> {
    let text = cache().map(|cache| fs::read_to_string(cache.join(FILE)));
    let text = match text {
        Some(Ok(text)) => text,
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
            return Err(format!("{FILE}: {error}"));
        }
        _ => {
            report.comment("foundation.ci_cold_minutes: no cold run of .ci/run on this machine");
            return Ok(());
        }
    };
    let (minutes, commit) = parse(&text)?;
    report.comment(format_args!(
        "the cold run of .ci/run was of commit {commit}"
    ));
    report.figure("ci_cold_minutes", minutes);
    Ok(())
}

/// Minutes with one decimal, rounded up; and the commit.
fn parse(text: &str) -> Result<(String, &str), String> {
    let mut words = text.split_whitespace();
    let seconds: u64 = words
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| format!("{FILE}: begins with no number of seconds: {text:?}"))?;
    let tenths = seconds.div_ceil(6);
    let minutes = format!("{}.{}", tenths / 10, tenths % 10);
    Ok((minutes, words.next().unwrap_or("unknown")))
}

/// The folder of the scripts' caches.
fn cache() -> Option<PathBuf> {
    let folder = |name| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    folder("OVO_CACHE").or_else(|| {
        folder("XDG_CACHE_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".cache")))
            .map(|caches| caches.join("openvidu-operator"))
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn seconds_become_minutes_rounded_up() {
        assert_eq!(parse("1201 abc\n"), Ok(("20.1".to_owned(), "abc")));
        assert_eq!(parse("60"), Ok(("1.0".to_owned(), "unknown")));
        assert!(parse("soon").is_err());
    }
}
