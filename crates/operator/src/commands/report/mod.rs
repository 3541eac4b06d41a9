//! `report`: what somebody needs who is to help, without any secret.

mod bundle;
mod gather;
mod redact;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::ReportArgs;
use crate::commands::{pretty, print};
use crate::failure::Failure;
use bundle::Bundle;
use redact::Redactor;

/// How long the metrics port may take: it is near, or not there.
const METRICS: Duration = Duration::from_secs(3);

/// What is known of a deployment, before anything is left out.
#[derive(Default)]
struct Gathered {
    /// Where it is from, in words.
    place: String,
    /// The release of the API server, or what stood in the way of asking.
    server: Option<String>,
    clusters: Vec<Value>,
    nodes: Vec<Value>,
    events: Vec<Value>,
    secrets: Vec<gather::Named>,
    /// The plan, or why there is none.
    plan: Value,
    /// What stood in the way.
    problems: Vec<String>,
}

pub(super) fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    // First of all: it would be a pity to find out at the end.
    let mut bundle = Bundle::begin(&args.output)?;
    let gathered = gather::from(args)?;
    let redactor = Redactor::new(&gathered);
    let mut put = |name: &str, text: &str| bundle.put(name, redactor.text(text).as_bytes());

    let mut about = format!(
        "openvidu-operator {}\nfrom {}\nat {}\n",
        env!("CARGO_PKG_VERSION"),
        gathered.place,
        jiff::Timestamp::now()
    );
    if let Some(server) = &gathered.server {
        let _ = writeln!(about, "API server {server}");
    }
    for problem in &gathered.problems {
        let _ = writeln!(about, "could not be had: {problem}");
    }
    put("about.txt", &about)?;
    let objects = |all: &[Value]| -> Result<String, Failure> {
        let all: Vec<Value> = all.iter().map(|object| redactor.object(object)).collect();
        pretty(&all)
    };
    put("clusters.json", &objects(&gathered.clusters)?)?;
    put("nodes.json", &objects(&gathered.nodes)?)?;
    put("events.json", &objects(&gathered.events)?)?;
    let secrets: Vec<Value> = gathered.secrets.iter().map(gather::Named::shown).collect();
    put("secrets.json", &pretty(&secrets)?)?;
    put("plan.json", &pretty(&redactor.value(&gathered.plan))?)?;
    let metrics = metrics(args.metrics)
        .unwrap_or_else(|why| format!("# no metrics from {}: {why}\n", args.metrics));
    put("metrics.txt", &metrics)?;
    bundle.finish()?;
    print(&format!(
        "{}: {} clusters, {} nodes, {} events; Secrets by name only. Look into it before you send it.\n",
        args.output.display(),
        gathered.clusters.len(),
        gathered.nodes.len(),
        gathered.events.len()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn metrics(address: SocketAddr) -> Result<String, String> {
    let read = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, METRICS)?;
        stream.set_read_timeout(Some(METRICS))?;
        stream.set_write_timeout(Some(METRICS))?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = read().map_err(|error| error.to_string())?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
        _ => Err("it is no metrics port".to_owned()),
    }
}

/// A value that takes the place of what is left out.
fn left_out() -> Value {
    json!("(left out)")
}
