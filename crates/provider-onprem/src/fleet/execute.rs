//! From a step to one change of a machine.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use ovo_api::OpenViduCluster;
use ovo_api::spec::{Machine as Listed, OnPrem};
use ovo_model::{Outcome, ProviderError, Scalar, Value};
use ovo_provider::{Call, SecretSource};
use secrecy::{ExposeSecret, SecretString};

use super::desired::{INSTALLED, release};
use crate::install::{Credential, failure, job_id, open_flags, script, secret_flags, source};
use crate::machine::{JobSpec, JobState, Machine, RecordKey};
use crate::provider::Record;

const START: &str = include_str!("../scripts/start-openvidu.sh");
/// An installation takes minutes.
const LATER: Outcome = Outcome::InProgress {
    look_again_in: 2_000,
};

/// How an installation stands.
pub(super) enum Begun {
    /// Under way, or done.
    Is(Outcome),
    /// It ran to its end and failed, unlike one that could not even be asked about.
    Failed(ProviderError),
}

/// An installation to be.
pub(super) struct Install<'a> {
    pub(super) cluster: &'a OpenViduCluster,
    pub(super) on_prem: &'a OnPrem,
    pub(super) listed: &'a Listed,
}

impl Install<'_> {
    /// Starts the installation, or attaches to the one that runs.
    pub(super) async fn begin(
        &self,
        machine: &Machine,
        properties: &BTreeMap<String, Value>,
        call: Call<'_>,
    ) -> Result<Begun, ProviderError> {
        let Some(Value::Known(Scalar::Text(installed))) = properties.get(INSTALLED) else {
            return Err(ProviderError::Invalid {
                field: format!("Machine/{} {INSTALLED}", self.listed.name),
                message: "it must be text".to_owned(),
            });
        };
        let release = release(self.cluster)?;
        let (url, sha256) = source(self.on_prem, self.listed.role, &self.cluster.spec.version);
        let flags = open_flags(self.cluster, self.on_prem, self.listed, release)?;
        let script = script((&url, sha256), installed, &flags)?;
        let credentials = secret_flags(self.cluster, self.listed.role, release);
        let secrets = secrets(&credentials, call.secrets)?;
        let applied = Value::Known(installed.as_str().into());
        let record = Record::new(BTreeMap::from([(INSTALLED.to_owned(), applied)])).bytes()?;
        let job = JobSpec { script: &script };
        let state = machine
            .start_job_with_secrets(&job_id(), job, &secrets, &record, call.epoch)
            .await?;
        Ok(match state {
            JobState::Done => Begun::Is(Outcome::Done),
            JobState::Running | JobState::Busy => Begun::Is(LATER),
            JobState::Failed { code, said } => Begun::Failed(failure(machine.name(), code, &said)),
        })
    }
}

/// The secret flags, a line each.
fn secrets(
    credentials: &[Credential],
    source: &dyn SecretSource,
) -> Result<SecretString, ProviderError> {
    let mut lines = String::new();
    for credential in credentials {
        let value = credential.keys.iter().find_map(|key| source.get(key));
        let missing = || ProviderError::Invalid {
            field: credential
                .keys
                .first()
                .map_or_else(String::new, |key| format!("Secret {key}")),
            message: format!("it is not there, and --{} takes it", credential.flag),
        };
        let value = value.ok_or_else(missing)?;
        lines.push_str("--");
        lines.push_str(credential.flag);
        lines.push('=');
        if credential.base64 {
            lines.push_str(&BASE64.encode(value.expose_secret().as_bytes()));
        } else if value.expose_secret().contains(['\n', '\0']) {
            return Err(ProviderError::Invalid {
                field: credential
                    .keys
                    .first()
                    .map_or_else(String::new, |key| format!("Secret {key}")),
                message: "its value has more than one line; write it in one".to_owned(),
            });
        } else {
            lines.push_str(value.expose_secret());
        }
        lines.push('\n');
    }
    Ok(SecretString::from(lines))
}

/// Enables and starts OpenVidu.
pub(super) async fn start(machine: &Machine, epoch: i64) -> Result<Outcome, ProviderError> {
    let key = RecordKey::of(&job_id());
    let output = machine.act(START, &[key.as_str()], epoch).await?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "failed" => Err(ProviderError::Retryable(format!(
            "{}: openvidu.service fails; `journalctl -u openvidu` on it tells why",
            machine.name()
        ))),
        // Its containers show in the next looks.
        _ => Ok(Outcome::Done),
    }
}
