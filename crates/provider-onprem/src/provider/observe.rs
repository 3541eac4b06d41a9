//! From what is found on the machine to what the planner compares.

use std::collections::BTreeMap;

use ovo_model::{
    Observation, ObservedResource, Ownership, ProviderError, Resource, ResourceId, ResourceState,
    Scalar, Value,
};

use super::record::Record;
use crate::machine::{FILE, Found, JOB, JobSpec, Machine, UNIT};

/// Everything of ours on the machine, and what stands where ours should.
pub(super) async fn observe(
    machine: &Machine,
    should: &[Resource],
) -> Result<Observation, ProviderError> {
    let names: Vec<ResourceId> = should.iter().map(|resource| resource.id.clone()).collect();
    let inventory = machine.inventory(&names).await?;
    let resources = inventory
        .found
        .into_iter()
        .map(|found| (found.id.clone(), seen(&found)))
        .collect();
    Ok(Observation::Known {
        resources,
        nodes: BTreeMap::new(),
    })
}

fn seen(found: &Found) -> ObservedResource {
    let mut resource = ObservedResource {
        id: found.id.clone(),
        ownership: found.ownership.clone(),
        // What is listed and not as it should be is changed, not waited for.
        state: ResourceState::Ready,
        properties: BTreeMap::new(),
        outputs: BTreeMap::new(),
        progress: None,
    };
    if found.ownership == Ownership::Ours {
        match found.id.kind.as_str() {
            FILE => file(found, &mut resource),
            UNIT => unit(found, &mut resource),
            JOB => job(found, &mut resource),
            // Written by a newer version with the same format: seen, and not touched.
            _ => {}
        }
    }
    resource
}

fn file(found: &Found, resource: &mut ObservedResource) {
    let facts = &found.facts;
    let (Some(sha256), Some(mode), Some(owner)) = (
        facts.text("sha256"),
        facts.text("mode"),
        facts.text("owner"),
    ) else {
        return;
    };
    let content = match Record::read(facts.bytes("record"))
        .applied
        .remove("content")
    {
        // A secret shows as its digest as long as the file is what was written.
        Some(Value::Secret {
            digest: Some(digest),
            ..
        }) => {
            let settled = facts.text("settled") == Some(sha256.clone());
            if settled {
                digest.0
            } else {
                format!("sha256:{sha256}")
            }
        }
        _ => match facts
            .bytes("content")
            .map(|bytes| String::from_utf8(bytes.to_vec()))
        {
            Some(Ok(text)) => text,
            _ => format!("sha256:{sha256}"),
        },
    };
    let mut set =
        |name: &str, value: String| resource.properties.insert(name.to_owned(), value.into());
    set("content", content);
    set("mode", mode);
    set("owner", owner);
}

fn unit(found: &Found, resource: &mut ObservedResource) {
    let facts = &found.facts;
    let active = facts.unit("ActiveState");
    let mut set = |name: &str, value: Scalar| resource.properties.insert(name.to_owned(), value);
    // A file that systemd has not read is not the unit's definition yet.
    if facts.unit("NeedDaemonReload") == "no" && facts.unit("LoadState") == "loaded" {
        if let Some(definition) = facts
            .bytes("content")
            .and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
        {
            set("definition", definition.into());
        }
        set("enabled", (facts.unit("UnitFileState") == "enabled").into());
        set("active", (active == "active").into());
    }
    if matches!(active.as_str(), "activating" | "deactivating" | "reloading") {
        resource.state = ResourceState::Pending;
        resource.progress = Some(format!("{} ({})", active, facts.unit("SubState")));
    }
    for (output, property) in [
        ("activeState", "ActiveState"),
        ("subState", "SubState"),
        ("result", "Result"),
        ("restarts", "NRestarts"),
    ] {
        resource
            .outputs
            .insert(output.to_owned(), facts.unit(property).into());
    }
}

fn job(found: &Found, resource: &mut ObservedResource) {
    let facts = &found.facts;
    let last = facts.text("last").unwrap_or_default();
    if let Some(result) = facts.text("result")
        && let Some((digest, code)) = result.split_once(' ')
    {
        resource.outputs.insert("exitCode".to_owned(), code.into());
        let record = Record::read(facts.bytes("record"));
        match record.text("script") {
            Some(script) if code == "0" && JobSpec { script }.digest(&found.id) == digest => {
                resource
                    .properties
                    .insert("script".to_owned(), script.into());
            }
            _ => resource.progress = Some(format!("ended with exit code {code}: {last}")),
        }
    } else if matches!(
        facts.unit("ActiveState").as_str(),
        "active" | "activating" | "deactivating"
    ) {
        resource.state = ResourceState::Pending;
        resource.progress = Some(if last.is_empty() {
            "running".to_owned()
        } else {
            format!("running: {last}")
        });
    } else if let Some(failed) = facts.text("failed")
        && let Some((_, code)) = failed.split_once(' ')
    {
        resource.outputs.insert("exitCode".to_owned(), code.into());
        resource.progress = Some(format!("ended with exit code {code}: {last}"));
    }
}
