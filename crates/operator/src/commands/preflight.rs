//! `preflight`: whether machines are fit, before anything is changed on any.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_api::manifest::{Object, parse_manifest};
use ovo_api::targets;
use ovo_api::validate;
use ovo_model::SecretKey;
use ovo_provider_onprem::preflight::{Finding, Report, not_tested};
use ovo_provider_onprem::ssh::{Direct, Limits};
use ovo_provider_onprem::{Fleet, KeyAnswer, Keys};
use ovo_store::{ObjectKey, SecretValue};

use super::validate::read;
use super::{print, wait};
use crate::cli::PreflightArgs;
use crate::failure::Failure;

/// Exit code when a machine is not fit.
const UNFIT: u8 = 2;

/// Private keys from the Secrets in the files that were named.
#[derive(Default)]
struct GivenKeys(BTreeMap<(ObjectKey, String), SecretValue>);

impl Keys for GivenKeys {
    fn get<'a>(&'a self, namespace: &'a str, key: &'a SecretKey) -> KeyAnswer<'a> {
        let name = (ObjectKey::new(namespace, &key.secret), key.key.clone());
        let value = self.0.get(&name).and_then(SecretValue::text);
        Box::pin(std::future::ready(Ok(value)))
    }
}

pub(super) fn run(args: &PreflightArgs) -> Result<ExitCode, Failure> {
    let (clusters, keys) = given(args)?;
    if clusters.is_empty() {
        return Err(Failure::Usage(
            "there is no OpenViduCluster in these files: name one with -f".to_owned(),
        ));
    }
    let loopback = args.loopback();
    for cluster in &clusters {
        if let Some(refused) = targets::refused(&cluster.spec, loopback).into_iter().next() {
            return Err(Failure::Usage(format!(
                "{}: {}: {}",
                ObjectKey::of(cluster),
                refused.error.field,
                refused.error.message
            )));
        }
    }
    let fleet = Fleet::new(
        Arc::new(keys),
        Arc::new(Direct { loopback }),
        Limits::default(),
    );
    let fit = wait(async {
        let mut fit = true;
        for cluster in &clusters {
            let report = fleet.preflight(cluster).await?;
            fit &= report.passed();
            print(&words(cluster, &report))?;
        }
        Ok(fit)
    })?;
    Ok(if fit {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(UNFIT)
    })
}

/// The clusters and the Secrets of the files.
fn given(args: &PreflightArgs) -> Result<(Vec<OpenViduCluster>, GivenKeys), Failure> {
    let (mut clusters, mut keys, mut mistakes) = (Vec::new(), GivenKeys::default(), Vec::new());
    for file in &args.files {
        let manifest = parse_manifest(&read(file)?);
        mistakes.extend(
            manifest
                .errors
                .into_iter()
                .map(|error| (file.clone(), error)),
        );
        for document in manifest.documents {
            match &document.object {
                Object::Cluster(cluster) => {
                    if let Err(errors) = validate(cluster, None) {
                        let located = document.locate(errors).into_iter();
                        mistakes.extend(located.map(|error| (file.clone(), error)));
                    }
                    clusters.push((**cluster).clone());
                }
                Object::Secret(secret) => {
                    let name = ObjectKey::from_meta(&secret.metadata);
                    for (key, value) in secret.data.iter().flatten() {
                        let value = SecretValue::from(value.0.clone());
                        keys.0.insert((name.clone(), key.clone()), value);
                    }
                }
            }
        }
    }
    if mistakes.is_empty() {
        Ok((clusters, keys))
    } else {
        Err(Failure::Manifests(mistakes))
    }
}

/// Machine by machine, what is wrong and what to do.
fn words(cluster: &OpenViduCluster, report: &Report) -> String {
    let mut text = format!("{}\n", ObjectKey::of(cluster));
    // Writing into a string cannot fail.
    for (machine, verdict) in &report.machines {
        let word = if verdict.failed.is_empty() {
            "fit"
        } else {
            "NOT fit"
        };
        let _ = writeln!(text, "  {machine}: {word}");
        let mut list = |mark: &str, found: &[Finding]| {
            for finding in found {
                let _ = writeln!(
                    text,
                    "    {mark} {}: {}\n      -> {}",
                    finding.check.name(),
                    finding.problem,
                    finding.way_out
                );
            }
        };
        list("x", &verdict.failed);
        list("ignored", &verdict.ignored);
    }
    let _ = writeln!(text, "  {}", not_tested());
    text
}
