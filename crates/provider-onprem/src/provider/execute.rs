//! From a step to one change of the machine.

use std::collections::BTreeMap;

use ovo_model::{Op, Outcome, Ownership, ProviderError, ResourceId, Scalar, Value};
use ovo_provider::Call;
use secrecy::ExposeSecret;

use super::record::Record;
use crate::machine::{
    FILE, FileSpec, Found, JOB, JobSpec, JobState, Machine, UNIT, UnitChange, UnitSwitch,
    check_job, check_mode, check_owner, check_path, check_unit,
};

/// A unit starts or stops in less than a second, most times.
const SOON: Outcome = Outcome::InProgress { look_again_in: 500 };
/// Jobs run for minutes.
const LATER: Outcome = Outcome::InProgress {
    look_again_in: 2_000,
};

pub(super) async fn execute(
    machine: &Machine,
    op: &Op,
    call: Call<'_>,
) -> Result<Outcome, ProviderError> {
    if let Some(id) = op.resource() {
        check(id)?;
    }
    match op {
        Op::Create {
            resource,
            properties,
            ..
        } => set(machine, resource, properties, BTreeMap::new(), call).await,
        Op::Set {
            resource,
            properties,
            ..
        } => {
            // A step names what changes; what a file is made of besides is what was written last.
            let before = applied(machine, resource).await?;
            set(machine, resource, properties, before, call).await
        }
        Op::Delete { resource, .. } => delete(machine, resource, call.epoch).await,
        other => Err(ProviderError::Invalid {
            field: other.id().to_string(),
            message: "not yet supported on machines".to_owned(),
        }),
    }
}

/// What a resource of ours was last brought to.
async fn applied(
    machine: &Machine,
    id: &ResourceId,
) -> Result<BTreeMap<String, Value>, ProviderError> {
    let inventory = machine.inventory(std::slice::from_ref(id)).await?;
    let whose = |owner: &str| {
        Err(ProviderError::Conflict(format!(
            "{}: {id} is {owner}",
            machine.name()
        )))
    };
    match inventory.found.iter().find(|found| found.id == *id) {
        None => Err(ProviderError::NotFound(format!(
            "{id} on {}",
            machine.name()
        ))),
        Some(Found {
            ownership: Ownership::Ours,
            facts,
            ..
        }) => Ok(Record::read(facts.bytes("record")).applied),
        Some(Found {
            ownership: Ownership::Unowned,
            ..
        }) => whose("there and not ours"),
        Some(Found {
            ownership: Ownership::Foreign(owner),
            ..
        }) => whose(&format!("the deployment's with infrastructure id {owner}")),
    }
}

/// A step may come from a store that somebody else wrote to: nothing odd goes to a machine as root.
fn check(id: &ResourceId) -> Result<(), ProviderError> {
    let checked = match id.kind.as_str() {
        FILE => check_path(&id.name),
        UNIT => check_unit(&id.name),
        JOB => check_job(&id.name),
        _ => Err("a machine has files, units and jobs; this is none".to_owned()),
    };
    checked.map_err(|message| ProviderError::Invalid {
        field: id.to_string(),
        message,
    })
}

async fn set(
    machine: &Machine,
    id: &ResourceId,
    properties: &BTreeMap<String, Value>,
    mut applied: BTreeMap<String, Value>,
    call: Call<'_>,
) -> Result<Outcome, ProviderError> {
    applied.extend(
        properties
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let record = Record::new(applied);
    let bytes = record.bytes()?;
    match id.kind.as_str() {
        FILE => {
            let file = FileSpec {
                path: &id.name,
                content: &content(id, &record, call)?,
                mode: text(id, &record, "mode")?,
                owner: text(id, &record, "owner")?,
            };
            let odd = |field: &str, message| ProviderError::Invalid {
                field: format!("{id} {field}"),
                message,
            };
            check_mode(file.mode).map_err(|why| odd("mode", why))?;
            check_owner(file.owner).map_err(|why| odd("owner", why))?;
            machine.write_file(id, file, &bytes, call.epoch).await?;
            Ok(Outcome::Done)
        }
        UNIT => {
            let change = UnitChange {
                definition: match properties.get("definition") {
                    Some(_) => Some(text(id, &record, "definition")?),
                    None => None,
                },
                enabled: switch(id, properties, "enabled")?,
                active: switch(id, properties, "active")?,
            };
            let (before, after) = machine.set_unit(id, change, &bytes, call.epoch).await?;
            match (change.active, after.as_str()) {
                (UnitSwitch::Keep, _)
                | (UnitSwitch::On, "active")
                | (UnitSwitch::Off, "inactive" | "failed") => Ok(Outcome::Done),
                // It was tried before: said each time, so that tries become fewer.
                (UnitSwitch::On, _) if before == "failed" => {
                    Err(ProviderError::Retryable(format!(
                        "{}: {id} had failed and was started again; `journalctl -u {}` on it tells why",
                        machine.name(),
                        id.name
                    )))
                }
                _ => Ok(SOON),
            }
        }
        JOB => match machine
            .start_job(
                id,
                JobSpec {
                    script: text(id, &record, "script")?,
                },
                &bytes,
                call.epoch,
            )
            .await?
        {
            JobState::Done => Ok(Outcome::Done),
            JobState::Running | JobState::Busy => Ok(LATER),
            JobState::Failed { code, said } => Err(ProviderError::Retryable(format!(
                "{}: {id} ended with exit code {code}: {said}",
                machine.name()
            ))),
        },
        _ => Err(unknown(id)),
    }
}

async fn delete(machine: &Machine, id: &ResourceId, epoch: i64) -> Result<Outcome, ProviderError> {
    let gone = match id.kind.as_str() {
        FILE => {
            machine.remove_file(id, &id.name, epoch).await?;
            true
        }
        UNIT => machine.remove_unit(id, epoch).await?,
        JOB => machine.remove_job(id, epoch).await?,
        _ => return Err(unknown(id)),
    };
    Ok(if gone { Outcome::Done } else { SOON })
}

/// What is in a file; a secret's value is fetched here and nowhere else.
fn content(id: &ResourceId, record: &Record, call: Call<'_>) -> Result<Vec<u8>, ProviderError> {
    match record.applied.get("content") {
        Some(Value::Secret { key, .. }) => {
            let secret = call
                .secrets
                .get(key)
                .ok_or_else(|| ProviderError::Invalid {
                    field: format!("{id} content"),
                    message: format!("Secret {key} is not there"),
                })?;
            Ok(secret.expose_secret().as_bytes().to_vec())
        }
        _ => Ok(text(id, record, "content")?.as_bytes().to_vec()),
    }
}

fn text<'a>(id: &ResourceId, record: &'a Record, name: &str) -> Result<&'a str, ProviderError> {
    record.text(name).ok_or_else(|| ProviderError::Invalid {
        field: format!("{id} {name}"),
        message: "it must be text, and is not resolved".to_owned(),
    })
}

fn switch(
    id: &ResourceId,
    properties: &BTreeMap<String, Value>,
    name: &str,
) -> Result<UnitSwitch, ProviderError> {
    match properties.get(name) {
        None => Ok(UnitSwitch::Keep),
        Some(Value::Known(Scalar::Bool(on))) => Ok((*on).into()),
        Some(_) => Err(ProviderError::Invalid {
            field: format!("{id} {name}"),
            message: "it must be true or false".to_owned(),
        }),
    }
}

fn unknown(id: &ResourceId) -> ProviderError {
    ProviderError::Invalid {
        field: id.to_string(),
        message: "a machine has files, units and jobs; this is none".to_owned(),
    }
}
