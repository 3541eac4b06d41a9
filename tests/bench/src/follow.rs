//! An independent reader of what changed. The server ends watches under load; this one goes on where it was.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::Bed;
use crate::run::POLL;

/// What was told so far.
#[derive(Default)]
struct Told {
    changes: usize,
    cuts: usize,
    /// By name, whether an object is Ready in its present generation.
    ready: BTreeMap<String, bool>,
    /// Why it could not go on: from there on nothing of it counts.
    broken: Option<String>,
    /// Whoever reads at the moment, to be ended with this.
    kubectl: Option<Child>,
    over: bool,
}

/// A watch of its own over the objects at one path. The server tells every change and no write that changed nothing.
pub(crate) struct Changes {
    told: Arc<Mutex<Told>>,
    thread: Option<JoinHandle<()>>,
}

impl Changes {
    /// Tells of every change from now on.
    ///
    /// # Errors
    /// When the server does not say what version now is.
    pub(crate) fn watch(bed: &Bed, path: &str) -> Result<Self, String> {
        let began = Instant::now();
        let answer = loop {
            let answer = bed.api.request("GET", path, None);
            let answer = answer.map_err(|e| e.to_string())?;
            // "Too many requests": the kind was defined a moment ago, and the server is not done with it.
            if answer.code != 429 || began.elapsed() > Duration::from_mins(1) {
                break answer;
            }
            std::thread::sleep(POLL);
        };
        let now = text(&answer.body["metadata"]["resourceVersion"])
            .ok_or_else(|| format!("GET {path}: {} {}", answer.code, answer.body))?;
        let told = Arc::new(Mutex::new(Told::default()));
        let (shared, path, kubectl) = (Arc::clone(&told), path.to_owned(), bed.api.kubectl());
        let thread = std::thread::spawn(move || {
            if let Err(why) = follow(&shared, &kubectl, &path, now) {
                lock(&shared).broken = Some(format!("the watch of {path}: {why}"));
            }
        });
        Ok(Self {
            told,
            thread: Some(thread),
        })
    }

    /// How many changes it told.
    ///
    /// # Errors
    /// When it could not go on.
    pub(crate) fn count(&self) -> Result<usize, String> {
        let told = lock(&self.told);
        told.broken.clone().map_or(Ok(told.changes), Err)
    }

    /// How often the server ended it.
    pub(crate) fn cuts(&self) -> usize {
        lock(&self.told).cuts
    }

    /// Whether so many objects are there, all Ready in their present generation.
    ///
    /// # Errors
    /// When it could not go on.
    pub(crate) fn all_ready(&self, many: usize) -> Result<bool, String> {
        self.count()?;
        let told = lock(&self.told);
        Ok(told.ready.len() == many && told.ready.values().all(|ready| *ready))
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        let mut told = lock(&self.told);
        told.over = true;
        if let Some(kubectl) = &mut told.kubectl {
            // It may have ended with the server.
            let _ = kubectl.kill();
        }
        drop(told);
        if let Some(thread) = self.thread.take() {
            // It holds nothing that anybody waits for.
            let _ = thread.join();
        }
    }
}

/// What another thread left there is whole: each change of it is one assignment.
fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

fn follow(
    told: &Mutex<Told>,
    kubectl: &Command,
    path: &str,
    mut version: String,
) -> Result<(), String> {
    while let Some(events) = open(told, kubectl, path, &version)? {
        for line in BufReader::new(events).lines() {
            // The last line of a watch that was cut: it is told again.
            let Some(event) = line.ok().and_then(|l| serde_json::from_str(&l).ok()) else {
                break;
            };
            version = take(told, &event)?;
        }
        let mut told = lock(told);
        told.cuts += 1;
        if let Some(mut kubectl) = told.kubectl.take() {
            // Nobody reads what it still has to say.
            let _ = kubectl.kill();
            kubectl.wait().map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

/// The events after this version; `None` once it is over.
fn open(
    told: &Mutex<Told>,
    kubectl: &Command,
    path: &str,
    version: &str,
) -> Result<Option<ChildStdout>, String> {
    let mut told = lock(told);
    if told.over {
        return Ok(None);
    }
    let query = format!("{path}?watch=true&allowWatchBookmarks=true&resourceVersion={version}");
    let mut child = again(kubectl)
        .args(["get", "--raw", &query])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("kubectl: {e}"))?;
    let events = child.stdout.take();
    told.kubectl = Some(child);
    Ok(events)
}

/// The same command once more.
fn again(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => copy.env(name, value),
            None => copy.env_remove(name),
        };
    }
    copy
}

/// Notes an event; the version to go on from.
fn take(told: &Mutex<Told>, event: &Value) -> Result<String, String> {
    let (kind, object) = (&event["type"], &event["object"]);
    let version = text(&object["metadata"]["resourceVersion"]);
    let (Some(kind @ ("ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK")), Some(version)) =
        (kind.as_str(), version)
    else {
        return Err(event.to_string());
    };
    if kind != "BOOKMARK" {
        let mut told = lock(told);
        told.changes += 1;
        if let Some(name) = text(&object["metadata"]["name"]) {
            match kind {
                "DELETED" => told.ready.remove(&name),
                _ => told.ready.insert(name, ready(object)),
            };
        }
    }
    Ok(version)
}

fn ready(object: &Value) -> bool {
    let status = &object["status"];
    let conditions = status["conditions"].as_array();
    object["metadata"]["generation"] == status["observedGeneration"]
        && conditions.is_some_and(|all| {
            all.iter()
                .any(|c| c["type"] == "Ready" && c["status"] == "True")
        })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
