//! Files that are made from the types: `crds/` and pages of `docs/`.

mod fields;
pub mod parameters;

use std::fmt::Write as _;

use serde_json::Value;

use crate::annotations::{self, Subject};
use crate::credentials::{Origin, Place, credential_keys};
use crate::notice::not_built_yet_fields;
use crate::profile::{V2_HA_AWS, V3_HA_ON_PREM};
use crate::{crd, crds};
use fields::Field;
use parameters::{FORMS, Verdict};

/// A file that is made from the types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Path relative to the root of the repository.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// All files that are made from the types. `make generate` writes them.
pub fn generated_files() -> Vec<GeneratedFile> {
    let mut files = Vec::new();
    for crd in crds() {
        let text = crd_text(&crd);
        files.extend(CRD_FOLDERS.map(|folder| GeneratedFile {
            path: format!("{folder}/{}.yaml", crd.spec.names.plural),
            text: text.clone(),
        }));
    }
    files.push(GeneratedFile {
        path: "docs/crd-reference.md".to_owned(),
        text: reference(),
    });
    files.push(GeneratedFile {
        path: "docs/credentials.md".to_owned(),
        text: credentials(),
    });
    files.push(GeneratedFile {
        path: "docs/annotations-and-labels.md".to_owned(),
        text: annotations_page(),
    });
    files
}

/// Where the definitions stand: for people, for kustomize and for Helm, neither of which reads what is outside its own folder.
const CRD_FOLDERS: [&str; 3] = ["crds", "deploy/setup/crds", "deploy/chart/crds"];

const NOTE: &str = "Made from the types in `crates/api`; `make generate` writes it anew.";

#[expect(
    clippy::expect_used,
    reason = "what was made from JSON can be written as YAML; a test calls this"
)]
fn crd_text(crd: &impl serde::Serialize) -> String {
    let yaml = serde_saphyr::to_string(crd).expect("a definition serializes");
    format!("# {NOTE}\n{}\n", yaml.trim_end())
}

/// Whether a path names a field of `OpenViduCluster`; `[]` stands for any member of a list.
pub fn is_cluster_field(path: &str) -> bool {
    let mut schema: &Value = &crd::CLUSTER;
    for part in path.split('.') {
        let (name, list) = part
            .strip_suffix("[]")
            .map_or((part, false), |name| (name, true));
        let found = schema
            .get("properties")
            .and_then(|properties| properties.get(name));
        let Some(next) = found.and_then(|found| {
            if list {
                found.get("items")
            } else {
                Some(found)
            }
        }) else {
            // Of metadata the schema says nothing, as every schema of Kubernetes.
            return path == "metadata.name";
        };
        schema = next;
    }
    true
}

fn reference() -> String {
    let mut page = format!(
        "# Reference of the kinds\n\n{NOTE}\n\n\
         - [OpenViduCluster: what you write](#openviducluster-what-you-write)\n\
         - [OpenViduCluster: what you read](#openviducluster-what-you-read)\n\
         - [OpenViduNode](#openvidunode)\n\
         - [Accepted, not built yet](#accepted-not-built-yet)\n\
         - [Where the parameters of OpenVidu's own forms went](#where-the-parameters-of-openvidus-own-forms-went)\n\n\
         Complete manifests are in [examples](examples/): [v2-aws.yaml](examples/v2-aws.yaml), \
         [v3-onprem.yaml](examples/v3-onprem.yaml). In a path `[]` stands for any member of a list. A default is \
         stored with the object when it is written, so that a new release changes none of a running cluster; \
         defaults that follow from other fields are told in the meaning and not stored. A field that you do not set is \
         left out: the API server takes a `null` for that when an object is created or replaced, but refuses it in a \
         server-side apply. What is refused, in which \
         words, is listed in [refusals.txt](../crates/api/tests/rules/refusals.txt).\n\n"
    );
    section(
        &mut page,
        "OpenViduCluster: what you write",
        &fields::below(&crd::CLUSTER, "spec"),
    );
    section(
        &mut page,
        "OpenViduCluster: what you read",
        &fields::below(&crd::CLUSTER, "status"),
    );
    page.push_str("## OpenViduNode\n\nOne for each machine or instance. The operator writes it; what people may do to it is in [annotations-and-labels.md](annotations-and-labels.md).\n\n");
    table(&mut page, &fields::below(&crd::NODE, "spec"));
    table(&mut page, &fields::below(&crd::NODE, "status"));
    page.push_str("## Accepted, not built yet\n\nThese fields are checked and kept. A cluster that uses one says so in a condition, and `validate` names it.\n\n");
    for field in not_built_yet_fields() {
        let _ = writeln!(page, "- `{field}`");
    }
    page.push_str("\n## Where the parameters of OpenVidu's own forms went\n\nNames in the first column are the forms' own.\n");
    for form in FORMS {
        let _ = write!(
            page,
            "\n### {}\n\n| parameter | here | remark |\n|---|---|---|\n",
            form.title
        );
        for parameter in form.parameters {
            let here = match parameter.verdict {
                Verdict::Field(path) => format!("field `{path}`"),
                Verdict::Fixed => "fixed by the profile".to_owned(),
                Verdict::Later => "later".to_owned(),
                Verdict::NotApplicable => "not applicable".to_owned(),
            };
            let _ = writeln!(
                page,
                "| {} | {here} | {} |",
                cell(parameter.name),
                cell(parameter.reason)
            );
        }
    }
    page
}

fn section(page: &mut String, title: &str, fields: &[Field]) {
    let _ = write!(page, "## {title}\n\n");
    table(page, fields);
}

fn table(page: &mut String, fields: &[Field]) {
    page.push_str("| field | type | default | meaning |\n|---|---|---|---|\n");
    for field in fields {
        let default = match (&field.default, field.required) {
            (Some(default), _) => format!("`{default}`"),
            (None, true) => "required".to_owned(),
            (None, false) => String::new(),
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {default} | {} |",
            field.path,
            field.kind,
            cell(&field.meaning)
        );
    }
    page.push('\n');
}

fn credentials() -> String {
    let mut page = format!(
        "# Credentials\n\n{NOTE}\n\n\
         A cluster reads Secrets of its own namespace only. Values never appear in status, events, logs or plans; \
         status keeps a keyed digest of each, so that a change is seen.\n\n\
         *Generated* means: if the Secret that `spec.credentials` names has no such key, 32 letters and digits are \
         made once, before first use, and kept in the Secret `<cluster>-credentials`. They are never made again: if \
         that Secret is lost, the cluster stops with `CredentialsLost` until it is restored. Its key \
         `{digest}` belongs to the digests. *Given* means: nothing works without it, where the field is used.\n\n\
         A changed value is a rotation and is refused by name until the profile says how to carry it out.\n",
        digest = crate::credentials::DIGEST_KEY,
    );
    for (title, profile) in [
        ("OpenVidu 2 HighAvailability on AWS", &V2_HA_AWS),
        ("OpenVidu 3 HighAvailability on-prem", &V3_HA_ON_PREM),
    ] {
        let _ = write!(
            page,
            "\n## {title}\n\n| key | Secret | from | characters | what for |\n|---|---|---|---|---|\n"
        );
        for key in credential_keys(profile) {
            let place = match key.place {
                Place::Credentials => "`spec.credentials.secretRef`".to_owned(),
                Place::Field(field) => format!("`{field}`"),
            };
            let from = match key.origin {
                Origin::Given => "given",
                Origin::Generated => "given or generated",
            };
            let _ = writeln!(
                page,
                "| {} | {place} | {from} | {} | {} |",
                if key.name.starts_with('(') {
                    key.name.to_owned()
                } else {
                    format!("`{}`", key.name)
                },
                cell(key.form.wanted()),
                cell(key.meaning)
            );
        }
    }
    page
}

fn annotations_page() -> String {
    let mut page = format!("# Annotations, labels, finalizers\n\n{NOTE}\n");
    for (subject, title) in [
        (Subject::ByPeople, "Annotations that people set"),
        (Subject::ByOperator, "Annotations that the operator sets"),
        (Subject::Label, "Labels"),
        (Subject::Finalizer, "Finalizers"),
    ] {
        let _ = write!(
            page,
            "\n## {title}\n\n| name | on | value | meaning |\n|---|---|---|---|\n"
        );
        for entry in annotations::ALL
            .iter()
            .filter(|entry| entry.subject == subject)
        {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                entry.name,
                entry.on,
                cell(entry.value),
                cell(entry.meaning)
            );
        }
    }
    page.push_str(
        "\nA node may be annotated with the ones above, or deleted: then it is drained, ended and replaced, and only \
         then gone. Its spec is written once, by the operator; every other change by hand is refused or put back.\n",
    );
    page
}

/// A text inside a table: between backticks only the bar needs an escape.
fn cell(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let escaped: Vec<String> = parts
        .map(|(index, part)| {
            let part = part.replace('|', "\\|");
            if index % 2 == 0 {
                part.replace('<', "&lt;")
            } else {
                part
            }
        })
        .collect();
    escaped.join("`")
}
