//! How a machine leaves: the drain signal, the stop, and what of ours is taken away.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ovo_api::act::Role;
use ovo_model::{Cause, ContainerRef, Outcome, ProviderError, ResourceId, Scalar, Value};

use crate::install::job_id;
use crate::machine::{JOB, JobSpec, JobState, Machine, RecordKey};
use crate::provider::Record;

const SIGNAL: &str = include_str!("../scripts/signal.sh");
const CONTAINERS: &str = include_str!("../scripts/containers.sh");
const STOP: &str = include_str!("../scripts/stop-openvidu.sh");
const UNINSTALL: &str = include_str!("../scripts/uninstall-openvidu.sh");
const CHECK: &str = include_str!("../scripts/check-stopped.sh");
const RELEASE: &str = include_str!("../scripts/release-machine.sh");

/// What the record of an installation says when it is taken away.
pub(super) const LEAVING: &str = "leaving";

/// Sending a signal takes a second; stopping takes as long as Docker gives the other containers.
const SOON: Outcome = Outcome::InProgress { look_again_in: 500 };
/// What people recorded is taken away with the rest, and may be a lot.
const LATER: Outcome = Outcome::InProgress {
    look_again_in: 2_000,
};

/// The job that signals, as it is listed on a machine. Other containers, or other starts of them, are another run.
pub(super) fn signal_id() -> ResourceId {
    ResourceId::new(JOB, "signal")
}

/// Sends the drain signal, once to each of these starts.
pub(super) async fn signal(
    machine: &Machine,
    containers: &[ContainerRef],
    epoch: i64,
) -> Result<Outcome, ProviderError> {
    let script = script(containers)?;
    let record = Record::new(BTreeMap::new()).bytes()?;
    let job = JobSpec { script: &script };
    let name = machine.name();
    match machine.start_job(&signal_id(), job, &record, epoch).await? {
        JobState::Done => Ok(Outcome::Done),
        JobState::Running | JobState::Busy => Ok(SOON),
        JobState::Failed { code: 96, said } => Err(ProviderError::Conflict(format!(
            "{name}: {said}; give it the restart policy unless-stopped"
        ))),
        JobState::Failed { code, said } => Err(ProviderError::Retryable(format!(
            "{name}: the drain signal ended with exit code {code}: {said}"
        ))),
    }
}

/// The job's script. Names come from a store that others may write to: nothing odd goes to a machine as root.
fn script(containers: &[ContainerRef]) -> Result<String, ProviderError> {
    let mut script = String::from("CONTAINERS=(");
    for container in containers {
        let plain = |text: &str, more: &[u8]| {
            let usual = |b: u8| b.is_ascii_alphanumeric() || more.contains(&b);
            !text.is_empty() && text.len() <= 128 && text.bytes().all(usual)
        };
        let ContainerRef {
            name,
            id,
            started_at,
        } = container;
        if !(plain(name, b"-_.") && plain(id, b"") && plain(started_at, b":.-+")) {
            return Err(ProviderError::Invalid {
                field: "containers".to_owned(),
                message: format!(
                    "{name:?} with id {id:?}, started at {started_at:?}, is no container of Docker's"
                ),
            });
        }
        // Writing into a string cannot fail.
        let _ = write!(script, "'{name}' '{id}' '{started_at}' ");
    }
    script.push_str(")\n");
    script.push_str(SIGNAL);
    Ok(script)
}

/// Disables and stops OpenVidu. What drains is stopped only when its containers have exited by themselves.
pub(super) async fn stop(
    machine: &Machine,
    (role, cause): (Role, Cause),
    drained: &[&str],
    epoch: i64,
) -> Result<Outcome, ProviderError> {
    let drains = role == Role::Media && matches!(cause, Cause::ScaleIn | Cause::Deletion);
    let key = RecordKey::of(&job_id());
    let mut arguments = vec![key.as_str(), if drains { "exited" } else { "anyway" }];
    arguments.extend(drained);
    let script = format!("{CONTAINERS}\n{STOP}");
    let output = machine.act(&script, &arguments, epoch).await?;
    Ok(match output.stdout.trim_ascii() {
        b"inactive" | b"failed" => Outcome::Done,
        _ => SOON,
    })
}

/// Takes OpenVidu, then everything of ours away from a machine on which it is stopped.
pub(super) async fn uninstall(
    machine: &Machine,
    drained: &[&str],
    epoch: i64,
) -> Result<Outcome, ProviderError> {
    let check = format!("{CONTAINERS}\n{CHECK}");
    machine.act(&check, drained, epoch).await?;
    let names = drained.join(" ");
    let script =
        format!("set -euo pipefail\nexport LC_ALL=C\nNAMES=({names})\n{CONTAINERS}\n{UNINSTALL}");
    let leaving = Value::Known(Scalar::Bool(true));
    let record = Record::new(BTreeMap::from([(LEAVING.to_owned(), leaving)])).bytes()?;
    let job = JobSpec { script: &script };
    let name = machine.name();
    match machine.start_job(&job_id(), job, &record, epoch).await? {
        JobState::Running | JobState::Busy => Ok(LATER),
        JobState::Failed { code, said } => Err(ProviderError::Retryable(format!(
            "{name}: taking OpenVidu away ended with exit code {code}: {said}"
        ))),
        JobState::Done => {
            let key = RecordKey::of(&job_id());
            machine.act(RELEASE, &[key.as_str()], epoch).await?;
            Ok(Outcome::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn container(name: &str, id: &str, started_at: &str) -> ContainerRef {
        ContainerRef {
            name: name.to_owned(),
            id: id.to_owned(),
            started_at: started_at.to_owned(),
        }
    }

    #[test]
    fn another_start_is_another_job_and_nothing_odd_becomes_part_of_a_script() {
        let first = script(&[container("openvidu", "ab12", "2026-06-03T08:00:00.5Z")]).unwrap();
        let second = script(&[container("openvidu", "ab12", "2026-06-03T09:00:00.5Z")]).unwrap();
        assert_ne!(first, second);
        for odd in [
            container("x' y", "ab12", "2026-06-03T08:00:00Z"),
            container("x", "$(id)", "2026-06-03T08:00:00Z"),
            container("x", "ab12", "now; id"),
            container("", "ab12", "2026-06-03T08:00:00Z"),
        ] {
            script(&[odd]).unwrap_err();
        }
    }
}
