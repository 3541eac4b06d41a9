//! The exit codes of our scripts.

use ovo_model::ProviderError;

use crate::ssh::Output;

/// What a script's exit code asks of the caller; codes of the programs it calls are below 74.
pub(super) fn classify(machine: &str, code: u32, output: &Output) -> ProviderError {
    let said = output.complaint();
    match code {
        // The input was cut off, or another script holds the lock: nothing was changed.
        74 | 75 => ProviderError::Retryable(format!("{machine}: {said}; nothing was changed")),
        76 => ProviderError::Conflict(format!(
            "{machine}: a leader with epoch {said} has acted here since; this one acts no more"
        )),
        77 => ProviderError::Conflict(format!(
            "{machine}: {said} is there and is not ours; move it away, or take it out of the manifest"
        )),
        78 => ProviderError::Conflict(format!(
            "{machine}: belongs to the deployment with infrastructure id {said}"
        )),
        79 => ProviderError::Invalid {
            field: "path".to_owned(),
            message: format!("{machine}: {said}"),
        },
        80 => ProviderError::Conflict(format!(
            "{machine}: FormatTooNew: its record was {said}; run that version or a newer one"
        )),
        84 => ProviderError::Retryable(format!("{machine}: {said}")),
        81 => ProviderError::NotFound(format!("{machine}: {said}")),
        code => ProviderError::Retryable(format!(
            "{machine}: a command ended with exit code {code}: {said}"
        )),
    }
}
