//! Secret values, filled in at the edge.

use ovo_model::SecretKey;
use secrecy::SecretString;

/// Where a step's secret values come from. They are read when the step runs and kept nowhere.
pub trait SecretSource: Send + Sync {
    /// The value under a key, if it is there.
    fn get(&self, key: &SecretKey) -> Option<SecretString>;
}

/// No secrets at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl SecretSource for NoSecrets {
    fn get(&self, _key: &SecretKey) -> Option<SecretString> {
        None
    }
}
