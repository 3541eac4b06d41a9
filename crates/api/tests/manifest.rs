//! Manifest files: what is wrong is named with line, column and field, and the good documents are kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fmt::Write as _;

use ovo_api::manifest::{MAX_BYTES, Manifest, Object, parse_manifest};
use ovo_api::validate;

fn errors(manifest: &Manifest) -> Vec<String> {
    manifest.errors.iter().map(ToString::to_string).collect()
}

fn line_of(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).unwrap() + 1
}

#[test]
fn an_unknown_field_is_named_with_its_place() {
    let text = common::example_text("v2-aws").replace("maxSurge: 1", "maxSurge: 1\n    replica: 2");
    let line = line_of(&text, "replica: 2");
    assert_eq!(
        errors(&parse_manifest(&text)),
        [format!(
            "line {line}, column 5: spec.media.replica: there is no such field in spec.media: did you mean replicas?"
        )]
    );
}

#[test]
fn a_wrong_type_is_named_with_its_place() {
    let text = common::example_text("v2-aws")
        .replace("version: 2.32.1", "version: 2.32")
        .replace("max: 4", "max: many");
    let (version, max) = (line_of(&text, "version: 2.32"), line_of(&text, "max: many"));
    assert_eq!(
        errors(&parse_manifest(&text)),
        [
            format!("line {max}, column 5: spec.media.max: is a text, but must be a whole number"),
            format!(
                "line {version}, column 3: spec.version: is a number, but must be a text: put it into quotes"
            ),
        ]
    );
}

#[test]
fn a_missing_field_is_named_where_it_belongs() {
    let text =
        common::example_text("v3-onprem").replace("  domainName: openvidu.example.com\n", "");
    let line = line_of(&text, "spec:");
    assert_eq!(
        errors(&parse_manifest(&text)),
        [format!(
            "line {line}, column 1: spec.domainName: is required: add it"
        )]
    );
}

#[test]
fn broken_rules_get_their_place() {
    let text = common::example_text("v2-aws").replace("    replicas: 2 ", "    replicas: 9 ");
    let manifest = parse_manifest(&text);
    assert_eq!(errors(&manifest), [""; 0]);
    let document = &manifest.documents[0];
    let Object::Cluster(cluster) = &document.object else {
        panic!("{document:?}")
    };
    let located = document.locate(validate(cluster, None).unwrap_err());
    assert_eq!(located.len(), 1);
    assert_eq!(
        located[0].position.unwrap().line,
        line_of(&text, "replicas: 9") as u64
    );
    assert_eq!(located[0].field, "spec.media.replicas");
}

#[test]
fn text_that_is_no_yaml_is_named_with_its_place() {
    for (text, line) in [
        ("a: [1, 2\nb: 3\n", 2),
        ("a: b: c\n", 1),
        ("a: 1\n\tb: 2\n", 1),
        ("a: 1\na: 2\n", 2),
    ] {
        let manifest = parse_manifest(text);
        assert_eq!(manifest.documents.len(), 0, "{text:?}");
        let error = manifest
            .errors
            .first()
            .unwrap_or_else(|| panic!("{text:?} was read"));
        assert!(
            error
                .message
                .starts_with("this is no YAML that can be read: "),
            "{error}"
        );
        assert_eq!(
            error.position.map(|at| at.line),
            Some(line),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn the_good_documents_are_kept() {
    let good = common::example_text("v3-onprem");
    let broken = good.replace("topology: HighAvailability", "topology: 3");
    let manifest = parse_manifest(&format!("{good}\n---\n{broken}\n---\n{good}\n---\nb: [\n"));
    assert_eq!(manifest.documents.len(), 2);
    assert_eq!(manifest.errors.len(), 2);
    assert!(
        manifest.errors[0]
            .to_string()
            .contains("spec.topology: is a number"),
        "{}",
        manifest.errors[0]
    );
}

#[test]
fn other_kinds_are_refused_by_name() {
    for (text, message) in [
        (
            "kind: OpenViduCluster\n",
            "line 1, column 1: apiVersion: is required: write openvidu.io/v1alpha1",
        ),
        (
            "apiVersion: openvidu.io/v1alpha1\n",
            "line 1, column 1: kind: is required: write OpenViduCluster",
        ),
        (
            "apiVersion: openvidu.io/v1\nkind: OpenViduCluster\n",
            "line 1, column 1: apiVersion: \"openvidu.io/v1\" is no version of OpenViduCluster: write openvidu.io/v1alpha1",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\n",
            "line 2, column 1: kind: \"ConfigMap\" is not known here: a manifest holds OpenViduCluster and Secret",
        ),
        (
            "apiVersion: openvidu.io/v1alpha1\nkind: OpenViduNode\n",
            "line 2, column 1: kind: nodes are written by the operator: declare a cluster",
        ),
        (
            "- a\n- b\n",
            "line 1, column 1: a document is an object with apiVersion, kind, metadata and spec",
        ),
    ] {
        assert_eq!(errors(&parse_manifest(text)), [message], "{text:?}");
    }
}

#[test]
fn empty_documents_are_nothing() {
    for text in ["", "---\n", "# a comment\n", "---\n---\n# a comment\n"] {
        let manifest = parse_manifest(text);
        assert_eq!(
            (manifest.documents.len(), errors(&manifest)),
            (0, vec![]),
            "{text:?}"
        );
    }
}

#[test]
fn metadata_is_looked_at() {
    let text = common::example_text("v2-aws").replace(
        "  name: openvidu-multimaster",
        "  name: Open Vidu\n  anotations: {a: b}\n  labels: {count: 3}",
    );
    let seen = errors(&parse_manifest(&text));
    assert_eq!(seen.len(), 3, "{seen:#?}");
    assert!(
        seen[0].contains("metadata.anotations: there is no such field in metadata"),
        "{seen:#?}"
    );
    assert!(
        seen[1].contains("metadata.labels.count: must be a text: put it into quotes"),
        "{seen:#?}"
    );
    assert!(
        seen[2].contains("metadata.name: \"Open Vidu\" is no name of an object"),
        "{seen:#?}"
    );
}

#[test]
fn a_manifest_of_five_thousand_lines_is_read_and_judged() {
    let mut text = common::example_text("v3-onprem");
    for number in 0..1_300 {
        let (a, b) = (number / 250, number % 250 + 1);
        write!(text, "        - name: x{number}\n          role: Media\n          address: 10.9.{a}.{b}\n          hostKey: ssh-ed25519 AAAA\n").unwrap();
    }
    assert!(text.lines().count() > 5_000);
    let seen = errors(&parse_manifest(&text));
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(
        seen[0].ends_with(
            "spec.infrastructure.onPrem.machines: has 1307 items, but may have at most 200"
        ),
        "{seen:#?}"
    );
}

#[test]
fn a_manifest_that_is_too_large_is_refused() {
    let text = "# padding\n".repeat(MAX_BYTES / 10 + 1);
    let seen = errors(&parse_manifest(&text));
    assert_eq!(seen.len(), 1);
    assert!(seen[0].contains("at most 1500000 are read"), "{seen:?}");
}

#[test]
fn deep_nesting_and_alias_bombs_are_refused() {
    let deep = format!("a: {}1{}\n", "[".repeat(500), "]".repeat(500));
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = level - 1;
        writeln!(
            bomb,
            "a{level}: &a{level} [{}]",
            vec![format!("*a{before}"); 9].join(", ")
        )
        .unwrap();
    }
    for text in [deep, bomb] {
        let manifest = parse_manifest(&text);
        assert_eq!(manifest.documents.len(), 0);
        assert!(
            manifest.errors[0]
                .message
                .starts_with("this is no YAML that can be read: "),
            "{:?}",
            manifest.errors
        );
    }
}

#[test]
fn secrets_are_read_and_never_shown() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: aGlkZGVu}\nstringData: {b: hidden}\n";
    let manifest = parse_manifest(text);
    assert_eq!(errors(&manifest), [""; 0]);
    let Object::Secret(secret) = &manifest.documents[0].object else {
        panic!()
    };
    let data = secret.data.as_ref().unwrap();
    assert_eq!(
        (data["a"].0.as_slice(), data["b"].0.as_slice()),
        (b"hidden".as_slice(), b"hidden".as_slice())
    );
    let shown = format!("{manifest:?}");
    assert!(
        !shown.contains("hidden") && !shown.contains("aGlkZGVu") && !shown.contains("104"),
        "{shown}"
    );
}

#[test]
fn a_broken_secret_is_refused_without_its_values() {
    for (text, message) in [
        (
            "data: {a: '#hidden#'}",
            "line 4, column 8: data.a: is not in base64: encode it, or put the plain text into stringData",
        ),
        (
            "stringData: {a: 12345}",
            "line 4, column 14: stringData.a: must be a text: put it into quotes",
        ),
        (
            "stringdata: {a: hidden}",
            "line 4, column 1: stringdata: there is no such field in a Secret: it has data, stringData, type and immutable",
        ),
        (
            "stringData: hidden",
            "line 4, column 1: stringData: must be an object of keys and texts",
        ),
    ] {
        let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{text}\n");
        assert_eq!(errors(&parse_manifest(&text)), [message], "{text}");
    }
}
