//! Traces go to the collector that the environment names: one for each round, and nothing that is secret.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use common::{Dir, V3_SECRETS, operator, until};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// What a collector was sent: path and body of each request.
type Sent = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector on a port of its own, for as long as the test runs.
fn collector() -> (String, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let sent = Sent::default();
    let gathered = sent.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_until(b'\n', &mut head).unwrap() > 0 {
            }
            let head = String::from_utf8(head).unwrap();
            let field = |line: &str| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse().unwrap())
            };
            let mut body = vec![0; head.lines().find_map(field).unwrap_or(0)];
            stream.read_exact(&mut body).unwrap();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            gathered.lock().unwrap().push((path, body));
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (format!("http://{address}"), sent)
}

fn spans(sent: &Sent) -> Vec<Span> {
    let sent = sent.lock().unwrap();
    let requests = sent.iter().map(|(path, body)| {
        assert_eq!(path, "/v1/traces");
        ExportTraceServiceRequest::decode(&**body).unwrap()
    });
    let mut all = Vec::new();
    for resource in requests.flat_map(|request| request.resource_spans) {
        let of = resource.resource.unwrap().attributes;
        assert_eq!(text(&of, "service.name"), "openvidu-operator");
        assert_eq!(text(&of, "service.version"), env!("CARGO_PKG_VERSION"));
        all.extend(
            resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans),
        );
    }
    all
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|found| found.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{key}: {other:?}"),
    }
}

/// An operator that runs.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // After a test that went well it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(dir: &Dir, endpoint: &str) -> Command {
    let mut command = operator([
        "serve",
        "--local",
        dir.str(),
        "--simulate",
        "--listen",
        "127.0.0.1:0",
    ]);
    command
        .args(["--simulate-speed", "20"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_BSP_SCHEDULE_DELAY", "200")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

#[test]
fn each_round_is_a_trace_of_its_own_without_any_secret() {
    let (endpoint, sent) = collector();
    let dir = Dir::v3();
    let mut serving = Serving(serve(&dir, &endpoint).spawn().unwrap());
    let looks = || openvidu_operator::local::Client::server(dir.path()).is_ok_and(|s| s.is_some());
    until("it to serve", looks);
    until("the cluster to be ready", || dir.ready("openvidu-ha"));
    let pid = rustix::process::Pid::from_child(&serving.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    // What was not sent yet is sent at the end.
    assert!(serving.0.wait().unwrap().success());

    let spans = spans(&sent);
    let (roots, inner): (Vec<_>, Vec<_>) = spans
        .iter()
        .partition(|span| span.parent_span_id.is_empty());
    assert!(roots.len() > 10, "{}", roots.len());
    let traces: BTreeSet<_> = roots.iter().map(|root| &root.trace_id).collect();
    assert_eq!(traces.len(), roots.len(), "two rounds in one trace");
    for root in &roots {
        assert_eq!(root.name, "reconcile");
        assert_eq!(text(&root.attributes, "cluster"), "video/openvidu-ha");
    }
    let results: BTreeSet<_> = roots
        .iter()
        .map(|root| text(&root.attributes, "result"))
        .collect();
    assert!(results.contains("ok"), "{results:?}");
    let mut by_root: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for span in &inner {
        by_root
            .entry((&span.trace_id, &span.parent_span_id))
            .or_default()
            .insert(&span.name);
    }
    let whole: BTreeSet<_> = ["observe", "plan", "check", "commit", "execute"].into();
    let is_whole = |root: &&&Span| by_root.get(&(&root.trace_id, &root.span_id)) == Some(&whole);
    assert!(roots.iter().filter(is_whole).count() > 10, "{by_root:?}");
    // A step is a part of the execution.
    let executions: BTreeSet<_> = inner
        .iter()
        .filter(|s| s.name == "execute")
        .map(|s| &s.span_id)
        .collect();
    let steps: Vec<_> = inner.iter().filter(|s| s.name == "step").collect();
    assert!(
        steps
            .iter()
            .any(|step| text(&step.attributes, "act") == "Install"),
        "{steps:?}"
    );
    assert!(
        steps
            .iter()
            .all(|step| executions.contains(&step.parent_span_id))
    );

    let sent = sent.lock().unwrap();
    let all: Vec<u8> = sent.iter().flat_map(|(_, body)| body.clone()).collect();
    let all = String::from_utf8_lossy(&all);
    let secrets = V3_SECRETS
        .lines()
        .filter_map(|line| line.trim().split_once(": "));
    let values = secrets.filter(|(key, _)| !["apiVersion", "kind", "metadata"].contains(key));
    let mut looked = 0;
    for (key, value) in values.filter(|(_, value)| value.len() > 6) {
        looked += 1;
        assert!(!all.contains(value), "the value of {key} was sent");
    }
    assert!(looked > 0 && !all.contains("PRIVATE KEY"));
}

#[test]
fn a_collector_that_cannot_be_spoken_to_keeps_nobody_from_serving() {
    for (endpoint, says) in [
        (
            "https://collector.example:4318",
            "no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT: only http:// is spoken",
        ),
        // Nobody listens there.
        ("http://127.0.0.1:9", ""),
    ] {
        let dir = Dir::v3();
        let mut serving = Serving(serve(&dir, endpoint).spawn().unwrap());
        let looks =
            || openvidu_operator::local::Client::server(dir.path()).is_ok_and(|s| s.is_some());
        until("it to serve", looks);
        until("the cluster to be ready", || dir.ready("openvidu-ha"));
        let pid = rustix::process::Pid::from_child(&serving.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut said = String::new();
        serving
            .0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert!(serving.0.wait().unwrap().success(), "{said}");
        assert!(said.contains(says), "{said}");
    }
}
