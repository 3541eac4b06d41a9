//! A unit of systemd.

use ovo_model::{ProviderError, ResourceId};

use super::name::RecordKey;
use super::{Machine, parts};

const SET: &str = include_str!("../scripts/set-unit.sh");
const REMOVE: &str = include_str!("../scripts/remove-unit.sh");

/// A switch of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnitSwitch {
    /// As it is.
    #[default]
    Keep,
    /// On.
    On,
    /// Off.
    Off,
}

/// What to change of a unit, in one go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitChange<'a> {
    /// Its file. A unit that runs takes it at its next start.
    pub definition: Option<&'a str>,
    /// Whether it starts at boot.
    pub enabled: UnitSwitch,
    /// Whether it runs. Starting and stopping take their time and are not waited for.
    pub active: UnitSwitch,
}

impl From<bool> for UnitSwitch {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

impl UnitSwitch {
    const fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::On => "yes",
            Self::Off => "no",
        }
    }
}

impl Machine {
    /// Changes a unit and tells its active state, in systemd's words, right before and right after.
    ///
    /// # Errors
    /// [`ProviderError::Conflict`] when a unit that is not ours has that name.
    pub async fn set_unit(
        &self,
        id: &ResourceId,
        change: UnitChange<'_>,
        record: &[u8],
        epoch: i64,
    ) -> Result<(String, String), ProviderError> {
        let key = RecordKey::of(id);
        let defined = if change.definition.is_some() {
            "set"
        } else {
            "keep"
        };
        let arguments = [
            key.as_str(),
            &id.name,
            change.enabled.word(),
            change.active.word(),
            defined,
        ];
        let input = match change.definition {
            Some(definition) => parts(&[record, definition.as_bytes()]),
            None => parts(&[record]),
        };
        let output = self.script(SET, epoch, &arguments, input).await?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let mut words = answer.split_whitespace().map(str::to_owned);
        match (words.next(), words.next(), words.next()) {
            (Some(before), Some(after), None) => Ok((before, after)),
            _ => Err(ProviderError::Retryable(format!(
                "{}: unexpected answer {answer:?}",
                self.name()
            ))),
        }
    }

    /// Stops a unit of ours and takes it away. `true`: it is gone; `false`: it is still stopping.
    ///
    /// # Errors
    /// By what befell the command.
    pub async fn remove_unit(&self, id: &ResourceId, epoch: i64) -> Result<bool, ProviderError> {
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
