//! `validate`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use ovo_api::manifest::{Document, ManifestError, Object, parse_manifest};
use ovo_api::targets::{self, Loopback};
use ovo_api::{FieldError, OpenViduCluster, not_built_yet, validate};
use ovo_store::ObjectKey;

use crate::cli::ValidateArgs;
use crate::commands::print;
use crate::failure::{Failure, located};

/// What nothing but a file cannot tell. Who reads "valid" is to know what was not looked at.
const NOT_ASKED: &str = "note: no API server was asked: whether another cluster has a machine, bucket or id already \
                         (Stalled/Conflict), whether the namespace may act as whom it names \
                         (Stalled/IdentityNotPermitted) and whether its Secrets are there (Stalled/SecretMissing) is \
                         seen where it is served";

/// What was found in all files.
struct Findings {
    loopback: Loopback,
    lines: Vec<String>,
    errors: usize,
    /// Where each cluster and Secret was declared first.
    declared: BTreeMap<(&'static str, ObjectKey), String>,
}

pub(super) fn run(args: &ValidateArgs) -> Result<ExitCode, Failure> {
    let mut findings = Findings {
        loopback: if args.allow_loopback_targets {
            Loopback::Allowed
        } else {
            Loopback::Refused
        },
        lines: Vec::new(),
        errors: 0,
        declared: BTreeMap::new(),
    };
    for file in &args.files {
        findings.file(file);
    }
    let Findings {
        mut lines,
        errors,
        declared,
        ..
    } = findings;
    if errors == 0 {
        let clusters = declared
            .keys()
            .filter(|(kind, _)| *kind == "OpenViduCluster")
            .count();
        let secrets = declared.len() - clusters;
        if clusters > 0 {
            lines.push(NOT_ASKED.to_owned());
        }
        let found = match secrets {
            0 => count(clusters, "cluster"),
            _ => format!(
                "{}, {}",
                count(clusters, "cluster"),
                count(secrets, "Secret")
            ),
        };
        lines.push(format!("{found}: valid"));
    } else {
        lines.push(count(errors, "mistake"));
    }
    print(&format!("{}\n", lines.join("\n")))?;
    Ok(if errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Findings {
    fn file(&mut self, file: &Path) {
        let text = match read(file) {
            Ok(text) => text,
            Err(failure) => {
                self.errors += 1;
                return self.lines.push(failure.to_string());
            }
        };
        let manifest = parse_manifest(&text);
        let empty = manifest.documents.is_empty() && manifest.errors.is_empty();
        for error in manifest.errors {
            self.error(file, &error);
        }
        for document in manifest.documents {
            self.document(file, &document);
        }
        if empty {
            let message =
                "there is no document in it: write an OpenViduCluster, or start from `example`"
                    .to_owned();
            self.error(
                file,
                &ManifestError {
                    position: None,
                    field: String::new(),
                    message,
                },
            );
        }
    }

    fn document(&mut self, file: &Path, document: &Document) {
        let (kind, key) = match &document.object {
            Object::Cluster(cluster) => ("OpenViduCluster", ObjectKey::of(&**cluster)),
            Object::Secret(secret) => ("Secret", ObjectKey::from_meta(&secret.metadata)),
        };
        let place = format!("{}:{}", file.display(), document.position.line);
        if let Some(first) = self.declared.get(&(kind, key.clone())) {
            let message = format!("{kind} {key} is declared at {first} already: keep one of them");
            let position = Some(document.position_of("metadata.name"));
            self.error(
                file,
                &ManifestError {
                    position,
                    field: "metadata.name".to_owned(),
                    message,
                },
            );
        } else {
            self.declared.insert((kind, key), place);
        }
        if let Object::Cluster(cluster) = &document.object {
            for error in document.locate(mistakes(cluster, self.loopback)) {
                self.error(file, &error);
            }
            for notice in not_built_yet(&cluster.spec) {
                let at = document.position_of(notice.field);
                self.lines.push(format!(
                    "{}:{}:{}: note: {notice}",
                    file.display(),
                    at.line,
                    at.column
                ));
            }
        }
    }

    fn error(&mut self, file: &Path, error: &ManifestError) {
        self.errors += 1;
        self.lines.push(located(file, error));
    }
}

/// What the API server would refuse, and what the operator would.
fn mistakes(cluster: &OpenViduCluster, loopback: Loopback) -> Vec<FieldError> {
    let mut errors = validate(cluster, None).err().unwrap_or_default();
    for target in targets::refused(&cluster.spec, loopback) {
        // What is no address at all is said once.
        if errors.iter().all(|e| e.field != target.error.field) {
            errors.push(target.error);
        }
    }
    errors
}

/// Text of a file that a person named.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(Failure::file(file))
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
