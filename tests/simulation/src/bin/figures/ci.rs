//! How long a cold run of CI took, where one was made on this machine.

use std::path::PathBuf;
use std::{env, fs, io};

use crate::report::Report;

/// What `.ci/run` leaves in its cache after a cold run that passed: seconds, those of them in which Kubernetes was built,
/// and the commit that it ran on.
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
    let run = Run::parse(&text)?;
    report.comment(format_args!(
        "the cold run of .ci/run was of commit {}; Kubernetes is built for what comes after the foundation",
        run.commit
    ));
    report.figure(
        "ci_cold_minutes",
        minutes(run.all.saturating_sub(run.kubernetes)),
    );
    report.other("k8s.ci_cold_minutes", minutes(run.all));
    Ok(())
}

/// A cold run that passed.
#[derive(Debug, PartialEq, Eq)]
struct Run<'t> {
    /// Seconds in all.
    all: u64,
    /// Seconds of building Kubernetes.
    kubernetes: u64,
    commit: &'t str,
}

impl<'t> Run<'t> {
    fn parse(text: &'t str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |word: &str| word.parse().ok();
        let run = || match *words.as_slice() {
            [all, kubernetes, commit] => Some(Self {
                all: number(all)?,
                kubernetes: number(kubernetes)?,
                commit,
            }),
            _ => None,
        };
        run().ok_or_else(|| format!("{FILE}: not two numbers of seconds and a commit: {text:?}"))
    }
}

/// Minutes with one decimal, rounded up.
fn minutes(seconds: u64) -> String {
    let tenths = seconds.div_ceil(6);
    format!("{}.{}", tenths / 10, tenths % 10)
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
    use super::{Run, minutes};

    #[test]
    fn seconds_become_minutes_rounded_up() {
        assert_eq!(minutes(1201), "20.1");
        assert_eq!(minutes(60), "1.0");
        let expected = Run {
            all: 1780,
            kubernetes: 472,
            commit: "abc",
        };
        assert_eq!(Run::parse("1780 472 abc\n"), Ok(expected));
        assert!(Run::parse("soon").is_err());
    }
}
