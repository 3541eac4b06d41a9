//! Work that outlives us.

use data_encoding::HEXLOWER;
use ovo_model::{ProviderError, ResourceId};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::name::RecordKey;
use super::{Machine, parts};

const START: &str = include_str!("../scripts/start-job.sh");
const REMOVE: &str = include_str!("../scripts/remove-job.sh");
const OUTPUT: &str = include_str!("../scripts/read-output.sh");

/// A job: a script that runs to its end once, whatever becomes of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobSpec<'a> {
    /// For bash. A machine that loses power in the middle runs it again from its beginning.
    pub script: &'a str,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It ran to its end, and never runs again.
    Done,
    /// It ended with this exit code and these last words. Told once: asking again starts it again.
    Failed {
        /// Exit code.
        code: i64,
        /// The end of its output.
        said: String,
    },
    /// It runs, begun now or earlier.
    Running,
    /// The same job with an older script still runs.
    Busy,
}

impl JobSpec<'_> {
    /// Names this script of this job: another script is another run.
    pub fn digest(&self, id: &ResourceId) -> String {
        let mut hash = Sha256::new();
        hash.update(id.name.as_bytes());
        hash.update([0]);
        hash.update(self.script.as_bytes());
        // 64 bits: scripts that meet in it would have to be sought, and a unit's name stays readable.
        HEXLOWER.encode(&hash.finalize()[..8])
    }
}

impl Machine {
    /// Starts a job, or attaches to it: the record decides first, then a running unit.
    ///
    /// # Errors
    /// By what befell the command. The job itself goes on.
    pub async fn start_job(
        &self,
        id: &ResourceId,
        job: JobSpec<'_>,
        record: &[u8],
        epoch: i64,
    ) -> Result<JobState, ProviderError> {
        self.start(id, job, None, record, epoch).await
    }

    /// The same for a job that needs secrets: lines `NAME=VALUE`, which are in a file in the machine's memory while it
    /// runs and that `OPENVIDU_OPERATOR_SECRET` names. No value gets into its output; none counts for its digest.
    ///
    /// # Errors
    /// By what befell the command. The job itself goes on.
    pub async fn start_job_with_secrets(
        &self,
        id: &ResourceId,
        job: JobSpec<'_>,
        secrets: &SecretString,
        record: &[u8],
        epoch: i64,
    ) -> Result<JobState, ProviderError> {
        self.start(id, job, Some(secrets), record, epoch).await
    }

    async fn start(
        &self,
        id: &ResourceId,
        job: JobSpec<'_>,
        secrets: Option<&SecretString>,
        record: &[u8],
        epoch: i64,
    ) -> Result<JobState, ProviderError> {
        let (key, digest) = (RecordKey::of(id), job.digest(id));
        let (kind, input) = match secrets {
            None => ("plain", parts(&[record, job.script.as_bytes()])),
            Some(secrets) => {
                let secrets = secrets.expose_secret().as_bytes();
                ("secret", parts(&[record, job.script.as_bytes(), secrets]))
            }
        };
        let arguments = [key.as_str(), &id.name, &digest, kind];
        let output = self.script(START, epoch, &arguments, input).await?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let mut words = answer.split_whitespace();
        match (words.next(), words.next()) {
            (Some("done"), None) => Ok(JobState::Done),
            (Some("running" | "started"), None) => Ok(JobState::Running),
            (Some("busy"), Some(_)) => Ok(JobState::Busy),
            (Some("failed"), Some(code)) => Ok(JobState::Failed {
                code: code.parse().unwrap_or(-1),
                said: output.complaint(),
            }),
            _ => Err(ProviderError::Retryable(format!(
                "{}: unexpected answer {answer:?}",
                self.name()
            ))),
        }
    }

    /// What a job printed from `offset` (in bytes) on, at most `limit` bytes of it.
    ///
    /// # Errors
    /// [`ProviderError::NotFound`] when there is no such job.
    pub async fn job_output(
        &self,
        id: &ResourceId,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<u8>, ProviderError> {
        let (key, offset, limit) = (RecordKey::of(id), offset.to_string(), limit.to_string());
        let output = self
            .script(OUTPUT, 0, &[key.as_str(), &offset, &limit], Vec::new())
            .await?;
        Ok(output.stdout)
    }

    /// Stops a job of ours and takes its record away. `true`: it is gone; `false`: it is still stopping.
    ///
    /// # Errors
    /// By what befell the command.
    pub async fn remove_job(&self, id: &ResourceId, epoch: i64) -> Result<bool, ProviderError> {
        let output = self
            .script(
                REMOVE,
                epoch,
                &[RecordKey::of(id).as_str(), &id.name],
                Vec::new(),
            )
            .await?;
        Ok(matches!(
            output.stdout.trim_ascii(),
            b"inactive" | b"failed"
        ))
    }
}
