//! The pure half: what a machine should hold, as resources.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic
)]

use std::collections::{BTreeMap, BTreeSet};

use ovo_api::act::ActKind;
use ovo_model::{
    Change, Property, ProviderError, Resource, ResourceId, Scope, SecretKey, Stage, Value,
};

use crate::machine::{FILE, JOB, UNIT, check_job, check_mode, check_owner, check_path, check_unit};

/// What one machine should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Files.
    pub files: Vec<File>,
    /// Units of systemd; each may need the files.
    pub units: Vec<Unit>,
    /// Jobs; each may need files and units.
    pub jobs: Vec<Job>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Absolute path. Its folder must be there.
    pub path: String,
    /// What is in it.
    pub content: Content,
    /// Mode, three octal digits.
    pub mode: String,
    /// `user:group`.
    pub owner: String,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// This.
    Text(String),
    /// The value of a secret.
    Secret(SecretKey),
}

/// A unit of systemd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Full name, `openvidu.service`.
    pub name: String,
    /// Its file.
    pub definition: String,
    /// Whether it starts at boot.
    pub enabled: bool,
    /// Whether it runs.
    pub active: bool,
}

/// A script that runs once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Name.
    pub name: String,
    /// For bash. Another script is another run.
    pub script: String,
}

/// The scope of a machine.
pub fn scope(machine: &str) -> Scope {
    Scope(format!("machine/{machine}"))
}

/// The resources of a machine: files, then units, then jobs.
///
/// # Errors
/// [`ProviderError::Invalid`] names what cannot be.
pub fn resources(machine: &str, contents: &Contents) -> Result<Vec<Resource>, ProviderError> {
    let scope = scope(machine);
    let files: Vec<_> = contents
        .files
        .iter()
        .map(|file| ResourceId::new(FILE, &file.path))
        .collect();
    let units: Vec<_> = contents
        .units
        .iter()
        .map(|unit| ResourceId::new(UNIT, &unit.name))
        .collect();
    let before_jobs: Vec<_> = files.iter().chain(&units).cloned().collect();

    let mut resources = Vec::new();
    for file in &contents.files {
        resources.push(of_file(&scope, file)?);
    }
    for unit in &contents.units {
        resources.push(of_unit(&scope, unit, files.clone())?);
    }
    for job in &contents.jobs {
        resources.push(of_job(&scope, job, before_jobs.clone())?);
    }
    let mut seen = BTreeSet::new();
    match resources.iter().find(|resource| !seen.insert(&resource.id)) {
        Some(twice) => Err(invalid(twice.id.to_string(), "named twice; leave one out")),
        None => Ok(resources),
    }
}

fn of_file(scope: &Scope, file: &File) -> Result<Resource, ProviderError> {
    let id = ResourceId::new(FILE, &file.path);
    let check = check_path(&file.path)
        .and_then(|()| check_mode(&file.mode))
        .and_then(|()| check_owner(&file.owner));
    check.map_err(|why| invalid(id.to_string(), why))?;
    let set = |value: Value| Property::operator("", "WriteFile").value(value);
    let content = match &file.content {
        Content::Text(text) => Value::Known(text.as_str().into()),
        Content::Secret(key) => Value::Secret {
            key: key.clone(),
            digest: None,
        },
    };
    let properties = [
        ("content", set(content)),
        ("mode", Property::operator(file.mode.as_str(), "WriteFile")),
        (
            "owner",
            Property::operator(file.owner.as_str(), "WriteFile"),
        ),
    ];
    Ok(resource(
        id,
        scope,
        Vec::new(),
        "WriteFile",
        "RemoveFile",
        properties,
    ))
}

fn of_unit(scope: &Scope, unit: &Unit, after: Vec<ResourceId>) -> Result<Resource, ProviderError> {
    let id = ResourceId::new(UNIT, &unit.name);
    check_unit(&unit.name).map_err(|why| invalid(id.to_string(), why))?;
    let switch = Property::operator(unit.active, "SwitchUnit");
    let properties = [
        (
            "definition",
            Property::operator(unit.definition.as_str(), "WriteUnit"),
        ),
        ("enabled", Property::operator(unit.enabled, "EnableUnit")),
        (
            "active",
            switch.act(if unit.active {
                ActKind::Start
            } else {
                ActKind::End
            }),
        ),
    ];
    Ok(resource(
        id,
        scope,
        after,
        "CreateUnit",
        "RemoveUnit",
        properties,
    ))
}

fn of_job(scope: &Scope, job: &Job, after: Vec<ResourceId>) -> Result<Resource, ProviderError> {
    let id = ResourceId::new(JOB, &job.name);
    check_job(&job.name).map_err(|why| invalid(id.to_string(), why))?;
    let script = Property::operator(job.script.as_str(), "RunJob")
        .change(Change::InPlace)
        .act(ActKind::Install);
    Ok(resource(
        id,
        scope,
        after,
        "RunJob",
        "RemoveJob",
        [("script", script)],
    ))
}

fn resource<const N: usize>(
    id: ResourceId,
    scope: &Scope,
    after: Vec<ResourceId>,
    create: &str,
    delete: &str,
    properties: [(&str, Property); N],
) -> Resource {
    Resource {
        id,
        scope: scope.clone(),
        stage: Stage::Foundation,
        role: None,
        after,
        create: Some(create.to_owned()),
        delete: delete.to_owned(),
        retain: false,
        properties: BTreeMap::from(properties.map(|(name, property)| (name.to_owned(), property))),
    }
}

fn invalid(field: String, message: impl Into<String>) -> ProviderError {
    ProviderError::Invalid {
        field,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> File {
        File {
            path: path.to_owned(),
            content: Content::Text("x".to_owned()),
            mode: "640".to_owned(),
            owner: "root:root".to_owned(),
        }
    }

    #[test]
    fn a_job_comes_after_what_it_may_need() {
        let contents = Contents {
            files: vec![file("/etc/a")],
            units: vec![Unit {
                name: "a.service".to_owned(),
                definition: String::new(),
                enabled: true,
                active: true,
            }],
            jobs: vec![Job {
                name: "install".to_owned(),
                script: "true".to_owned(),
            }],
        };
        let resources = resources("m1", &contents).unwrap();
        let after: Vec<Vec<_>> = resources
            .iter()
            .map(|r| r.after.iter().map(ToString::to_string).collect())
            .collect();
        assert_eq!(
            after,
            [
                vec![],
                vec!["File//etc/a"],
                vec!["File//etc/a", "Unit/a.service"]
            ]
        );
        assert!(resources.iter().all(|r| r.scope == scope("m1")));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let twice = Contents {
            files: vec![file("/etc/a"), file("/etc/a")],
            ..Contents::default()
        };
        let odd = Contents {
            files: vec![file("/etc/../a")],
            ..Contents::default()
        };
        for (contents, field) in [(twice, "File//etc/a"), (odd, "File//etc/../a")] {
            match resources("m1", &contents).unwrap_err() {
                ProviderError::Invalid { field: named, .. } => assert_eq!(named, field),
                other => panic!("{other}"),
            }
        }
    }
}
