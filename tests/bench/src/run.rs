//! The course of a run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::arguments::Arguments;
use crate::bed::{Bed, NAMESPACE, NODES, name};
use crate::count::Writes;
use crate::follow::Changes;
use crate::operator::Operator;
use crate::plain;
use crate::report::Report;

/// How long all clusters may take to become Ready.
const PATIENCE: Duration = Duration::from_hours(1);
/// The pause of a poll.
pub(crate) const POLL: Duration = Duration::from_millis(100);
/// How long nothing must be written until the clusters count as at rest: the summary's refresh, which comes at most once
/// a minute, and the occupancy's first zero, are over then.
const STILL: Duration = Duration::from_secs(75);
/// Changes that are timed from the server's answer to the status that the plan for them wrote.
const CHANGES: usize = 200;

/// Runs everything and writes the figures.
///
/// # Errors
/// The first thing that did not go as it must.
pub(crate) fn all(arguments: &Arguments, given: &[String]) -> Result<(), String> {
    let program = match &arguments.operator {
        Some(program) => program.clone(),
        None => beside()?,
    };
    let clusters = arguments.clusters;
    let mut report = Report::begin(given);
    let bed = Bed::start()?;
    bed.apply(NAMESPACE, clusters)?;
    let ours = format!("/apis/openvidu.io/v1alpha1/namespaces/{NAMESPACE}");
    let changes = [
        Changes::watch(&bed, &format!("{ours}/openviduclusters"))?,
        Changes::watch(&bed, &format!("{ours}/openvidunodes"))?,
        Changes::watch(&bed, &format!("/api/v1/namespaces/{NAMESPACE}/secrets"))?,
    ];
    report.comment(format_args!(
        "k8s: {clusters} clusters of {NODES} nodes applied"
    ));

    let began = Instant::now();
    let mut operator = Operator::start(&program, &bed)?;
    wait("all clusters to be Ready", || {
        operator.alive()?;
        changes[0].all_ready(clusters)
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = operator.cpu()?;
    let until_ready = Writes::so_far(&bed)?;
    say_kinds(&mut report, "until Ready", &until_ready);
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of writes are far below 2^52"
    )]
    let per = |count: usize, of: usize| count as f64 / of as f64;
    let nodes = until_ready.of("openvidunodes");
    let others = until_ready.done.len() - nodes;
    report.figure("ready_1000_seconds", format_args!("{seconds:.1}"));
    report.figure("operator_cpu_seconds_1000", format_args!("{cpu:.1}"));
    report.figure(
        "writes_per_node",
        format_args!("{:.3}", per(nodes, clusters * NODES)),
    );
    report.figure(
        "writes_per_cluster",
        format_args!("{:.3}", per(others, clusters)),
    );
    report.comment(format_args!(
        "k8s: {} events until Ready",
        until_ready.events
    ));

    // What still trickles in afterwards ends; then the clock of the rest begins.
    let before = quiet(&bed, &mut operator)?;
    report.comment(format_args!(
        "k8s: {} writes between Ready and rest",
        before - until_ready.done.len()
    ));
    let cpu_before = operator.cpu()?;
    std::thread::sleep(arguments.rest);
    operator.alive()?;
    let rest = Writes::so_far(&bed)?;
    report.figure("writes_at_rest", rest.done.len() + rest.refused - before);
    report.comment(format_args!(
        "k8s: {} s at rest, {:.1} s of CPU",
        arguments.rest.as_secs(),
        operator.cpu()? - cpu_before
    ));
    let told = told(&changes)?;
    report.comment(format_args!(
        "k8s: {told} changes told by watches of its own, which the server ended {} times",
        changes.iter().map(Changes::cuts).sum::<usize>()
    ));
    report.figure(
        "repeated_writes",
        rest.done.len() - told.min(rest.done.len()) + rest.refused,
    );
    let memory = operator.memory()?;
    let took = event_to_plan(&bed, clusters)?;
    report.figure("event_to_plan_p99_ms", format_args!("{took:.0}"));
    report.comment("k8s: the line above is from the answer to a change until a reader sees the status written by its plan");
    operator.stop()?;
    let world = weigh(&bed.world().join("world"), bed.dir())?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "KiB of memory are far below 2^52"
    )]
    let mib = |kib: u64| kib as f64 / 1024.0;
    report.figure("rss_peak_mib", format_args!("{:.1}", mib(memory.peak_kib)));
    report.comment(format_args!(
        "k8s: {:.1} MiB resident at rest, of which the simulated world {:.1}",
        mib(memory.now_kib),
        mib(world)
    ));
    let counted = if world > 10 * 1024 {
        memory.now_kib - world
    } else {
        memory.now_kib
    };
    report.figure("rss_rest_mib", format_args!("{:.1}", mib(counted)));

    let plain = plain::again(&bed, clusters, &until_ready.done)?.as_secs_f64();
    report.comment(format_args!(
        "k8s: a plain client made the same {} writes in {plain:.1} s",
        until_ready.done.len()
    ));
    report.figure(
        "ready_over_plain_writes",
        format_args!("{:.2}", seconds / plain),
    );
    let path = report.write()?;
    eprintln!("written to {}", path.display());
    Ok(())
}

fn wait(what: &str, mut holds: impl FnMut() -> Result<bool, String>) -> Result<(), String> {
    let began = Instant::now();
    while !holds()? {
        if began.elapsed() > PATIENCE {
            return Err(format!("{what}: not within {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn told(changes: &[Changes]) -> Result<usize, String> {
    changes.iter().map(Changes::count).sum()
}

/// Waits until nothing has been written for a while; how much was written until then, refusals with it.
fn quiet(bed: &Bed, operator: &mut Operator) -> Result<usize, String> {
    let mut last = (0, Instant::now());
    wait("nothing to be written", || {
        operator.alive()?;
        std::thread::sleep(Duration::from_secs(1));
        let writes = Writes::so_far(bed)?;
        let count = writes.done.len() + writes.refused;
        if count != last.0 {
            last = (count, Instant::now());
        }
        Ok(last.1.elapsed() >= STILL)
    })?;
    Ok(last.0)
}

/// Milliseconds that 99 of 100 changes take at most.
fn event_to_plan(bed: &Bed, clusters: usize) -> Result<f64, String> {
    let mut took = Vec::new();
    for round in 0..CHANGES {
        let name = name(round % clusters);
        let path =
            format!("/apis/openvidu.io/v1alpha1/namespaces/{NAMESPACE}/openviduclusters/{name}");
        let at_once = 2 + round / clusters;
        let change = json!({"spec": {"media": {"drain": {"maxConcurrent": at_once}}}});
        let answer = bed.api.request("PATCH", &path, Some(&change));
        let answer = answer.map_err(|e| e.to_string())?;
        if answer.code != 200 {
            return Err(format!("PATCH {path}: {} {}", answer.code, answer.body));
        }
        let began = Instant::now();
        let generation = answer.body["metadata"]["generation"].clone();
        loop {
            let answer = bed.api.request("GET", &path, None);
            let answer = answer.map_err(|e| e.to_string())?;
            if answer.body["status"]["observedGeneration"] == generation {
                break;
            }
            if began.elapsed() > Duration::from_mins(1) {
                return Err(format!("{name}: a change of its spec was not planned for"));
            }
        }
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    let rank = (took.len() * 99).div_ceil(100).saturating_sub(1);
    took.get(rank)
        .copied()
        .ok_or_else(|| "nothing timed".to_owned())
}

fn say_kinds(report: &mut Report, when: &str, writes: &Writes) {
    for (kind, count) in writes.kinds() {
        report.comment(format_args!("k8s: {when}: {count} {kind}"));
    }
    report.comment(format_args!("k8s: {when}: {} refused", writes.refused));
}

/// KiB that the world in this file takes, by a process of its own over a copy.
fn weigh(world: &Path, dir: &Path) -> Result<u64, String> {
    let copy = dir.join("weighed");
    std::fs::copy(world, &copy).map_err(|e| format!("{}: {e}", world.display()))?;
    let myself = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new(myself).arg("--world").arg(&copy).output();
    let output = output.map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The operator's program in the folder of this one.
fn beside() -> Result<PathBuf, String> {
    let myself = std::env::current_exe().map_err(|e| e.to_string())?;
    let program = myself.with_file_name("openvidu-operator");
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!(
            "{} is not built: cargo build --release --package openvidu-operator",
            program.display()
        ))
    }
}
