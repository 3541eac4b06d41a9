//! The job that runs OpenVidu's installer.

use ovo_api::act::Role;
use ovo_api::profile::releases::{INSTALLER_URL, installer_path};
use ovo_api::spec::OnPrem;
use ovo_model::{ProviderError, ResourceId};

use crate::machine::JOB;

const INSTALL: &str = include_str!("../scripts/install-openvidu.sh");

/// The job's name on a machine.
pub const JOB_NAME: &str = "install-openvidu";

/// The job as it is listed on a machine.
pub fn job_id() -> ResourceId {
    ResourceId::new(JOB, JOB_NAME)
}

/// Where the installer of a role is fetched from, and the SHA-256 that it must have.
pub fn source<'a>(on_prem: &'a OnPrem, role: Role, version: &str) -> (String, Option<&'a str>) {
    let installer = &on_prem.installer;
    let base = installer.base_url.as_deref().unwrap_or(INSTALLER_URL);
    let url = format!(
        "{}/{}",
        base.trim_end_matches('/'),
        installer_path(role, version)
    );
    let own = installer
        .media_sha256
        .as_ref()
        .filter(|_| role == Role::Media);
    (url, own.or(installer.sha256.as_ref()).map(String::as_str))
}

/// The job's script. `installed` is what the machine has when it is done; nothing in it is secret.
///
/// # Errors
/// [`ProviderError::Invalid`] when a flag holds a zero byte.
pub fn script(
    (url, sha256): (&str, Option<&str>),
    installed: &str,
    flags: &[String],
) -> Result<String, ProviderError> {
    let odd = |_| ProviderError::Invalid {
        field: "spec.infrastructure.onPrem.installer.extraFlags".to_owned(),
        message: "one of them holds a zero byte: take it out".to_owned(),
    };
    let words = |words: &[&str]| shlex::try_join(words.iter().copied()).map_err(odd);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Ok(format!(
        "URL={} SHA256={} INSTALLED={}\nFLAGS=({})\n{INSTALL}",
        words(&[url])?,
        words(&[sha256.unwrap_or_default()])?,
        words(&[installed])?,
        words(&flags)?
    ))
}

/// What a failed run asks for, by its exit code and last words.
pub fn failure(machine: &str, code: i64, said: &str) -> ProviderError {
    let invalid = |field: &str, way_out: &str| ProviderError::Invalid {
        field: format!("spec.infrastructure.onPrem.{field}"),
        message: format!("{machine}: {said}; {way_out}"),
    };
    match code {
        90 => invalid(
            "installer.baseURL",
            "name a server that the machine reaches and that has this version",
        ),
        91 => invalid(
            "installer.sha256",
            "compare it with OpenVidu's own, then mend the mirror or the manifest",
        ),
        92..=94 => ProviderError::Conflict(format!(
            "{machine}: {said}; look at it, and use another machine or clear this one by hand"
        )),
        code => ProviderError::Retryable(format!(
            "{machine}: the installation ended with exit code {code}: {said}; it is undone and begun again"
        )),
    }
}
