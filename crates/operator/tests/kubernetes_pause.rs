//! A leader that is stopped where it is about to act, and wakes up when another one leads: it begins nothing.
//!
//! The process stops itself (SIGSTOP) where it asks whether it may begin a change: each such question of a course is one pause
//! point. All of them: `OVO_PAUSE_STEP=1`; the tests take one of thirteen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;
use ovo_kube::ApiServer;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// For what takes seconds, on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(2);
const FIRST: &str = "first";
const SECOND: &str = "second";
/// A lease that ends soon: each pause waits for its end.
const SHORT: [&str; 6] = [
    "--lease-duration",
    "3s",
    "--lease-renewal",
    "500ms",
    "--call-timeout",
    "1s",
];

/// A server with our definitions, and two users who may do what the operator may.
struct Bed {
    api: ApiServer,
}

impl Bed {
    fn start() -> Self {
        let api = ApiServer::builder()
            .user(FIRST, &[])
            .user(SECOND, &[])
            .controllers()
            .start()
            .unwrap();
        api.install_crds().unwrap();
        Self { api }
    }

    /// A namespace with the example in it.
    fn course(&self, namespace: &str) -> Course<'_> {
        let course = Course {
            bed: self,
            namespace: namespace.to_owned(),
            dir: tempfile::tempdir().unwrap(),
        };
        self.api.ask(&["create", "namespace", namespace]).unwrap();
        course.apply("deploy/namespaced/role.yaml", |text| text);
        for user in [FIRST, SECOND] {
            course.kubectl(&[
                "create",
                "rolebinding",
                user,
                "--role=openvidu-operator",
                &format!("--user={user}"),
            ]);
        }
        for file in ["secrets-v3-onprem", "v3-onprem"] {
            course.apply(&format!("docs/examples/{file}.yaml"), |text| {
                text.replace("namespace: video", &format!("namespace: {namespace}"))
            });
        }
        course
    }

    /// Who changed what of the namespace but its Lease, as the server noted it: user and when, in order.
    fn written(&self, namespace: &str) -> Vec<(String, Timestamp)> {
        self.noted(namespace, |resource| resource != "leases")
    }

    fn noted(&self, namespace: &str, of: impl Fn(&str) -> bool) -> Vec<(String, Timestamp)> {
        let log = fs::read_to_string(self.api.state().join("audit.log")).unwrap_or_default();
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        let lines = whole
            .lines()
            .map(|line| -> Value { serde_json::from_str(line).unwrap() });
        let ours = |l: &Value| {
            let about = &l["objectRef"];
            let reads = matches!(l["verb"].as_str(), Some("get" | "list" | "watch"));
            about["namespace"] == namespace
                && !reads
                && of(about["resource"].as_str().unwrap_or_default())
        };
        lines
            .filter(ours)
            .map(|l| {
                let user = l["user"]["username"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let at = l["requestReceivedTimestamp"]
                    .as_str()
                    .unwrap()
                    .parse()
                    .unwrap();
                (user, at)
            })
            .collect()
    }
}

/// One cluster from its creation over growth to a smaller size, whoever leads.
struct Course<'b> {
    bed: &'b Bed,
    namespace: String,
    dir: tempfile::TempDir,
}

impl Course<'_> {
    fn kubectl(&self, arguments: &[&str]) -> String {
        let arguments = [&["--namespace", &*self.namespace], arguments].concat();
        self.bed.api.ask(&arguments).unwrap()
    }

    fn apply(&self, file: &str, change: impl Fn(String) -> String) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(file);
        let copy = self.dir.path().join("manifest.yaml");
        fs::write(&copy, change(fs::read_to_string(path).unwrap())).unwrap();
        self.kubectl(&["apply", "--server-side", "-f", copy.to_str().unwrap()]);
    }

    fn serve(&self, user: &str, lease: &[&str], pause_at: Option<u64>) -> Serving {
        let file = |what: &str| self.dir.path().join(format!("{what}-{user}"));
        let (said, log) = (file("said"), file("log"));
        let out = fs::File::options()
            .create(true)
            .append(true)
            .open(&said)
            .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_openvidu-operator-paused"));
        command
            .args(["serve", "--simulate", "--simulate-speed", "200"])
            .args(["--listen", "127.0.0.1:0", "--namespace", &self.namespace])
            .arg("--simulate-dir")
            .arg(self.dir.path().join("world"))
            .args(lease)
            .env("KUBECONFIG", self.bed.api.kubeconfig(user).unwrap())
            .env("HOSTNAME", user)
            .env("OVO_PAUSE_LOG", &log)
            .env("OVO_PAUSE_END", self.dir.path().join("go-on"))
            .env_remove("OPENVIDU_OPERATOR_LOCAL")
            .env_remove("OPENVIDU_OPERATOR_NAMESPACE")
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .stdin(Stdio::null());
        if let Some(at) = pause_at {
            command.env("OVO_PAUSE_AT", at.to_string());
        }
        Serving {
            child: command.spawn().unwrap(),
            said,
            log,
        }
    }

    fn cluster(&self) -> Value {
        let text = self.kubectl(&["get", "openviduclusters", "openvidu-ha", "--output=json"]);
        serde_json::from_str(&text).unwrap()
    }

    /// Scales in once it is ready with two media nodes. Whether the course is over: ready with one.
    fn go_on(&self) -> bool {
        let cluster = self.cluster();
        let condition = |c: &Value| {
            c["type"] == "Ready"
                && c["status"] == "True"
                && c["observedGeneration"] == cluster["metadata"]["generation"]
        };
        let ready = cluster["status"]["conditions"]
            .as_array()
            .is_some_and(|all| all.iter().any(condition));
        let wanted = &cluster["spec"]["media"]["replicas"];
        let media = &cluster["status"]["media"];
        if ready && *wanted == 2 && media["ready"] == 2 {
            self.scale(1);
        }
        ready && *wanted == 1 && media["ready"] == 1 && media["draining"].as_i64().unwrap_or(0) == 0
    }

    fn scale(&self, replicas: u32) {
        let patch = json!({"spec": {"media": {"replicas": replicas}}}).to_string();
        self.kubectl(&[
            "patch",
            "openviduclusters",
            "openvidu-ha",
            "--type=merge",
            "-p",
            &patch,
        ]);
    }

    fn until(&self, serving: &[&Serving], what: &str, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(
                began.elapsed() < PATIENCE,
                "{}: {what}: not reached\n{}\n{}",
                self.namespace,
                serving.iter().map(|s| s.said()).collect::<String>(),
                self.kubectl(&[
                    "get",
                    "openviduclusters,openvidunodes,leases",
                    "--output=yaml"
                ])
            );
            // The pause of a poll.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// How it ended: how many nodes of each role are in each phase. Which of two media machines goes is free: a pause
    /// between their joining makes one of them too young when the choice is made.
    fn end(&self) -> BTreeMap<(String, String), usize> {
        let text = self.kubectl(&["get", "openvidunodes", "--output=json"]);
        let nodes: Value = serde_json::from_str(&text).unwrap();
        let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let mut end = BTreeMap::new();
        for node in nodes["items"].as_array().unwrap() {
            let place = (word(&node["spec"]["role"]), word(&node["status"]["phase"]));
            *end.entry(place).or_default() += 1;
        }
        end
    }
}

/// An operator that runs, or is stopped.
struct Serving {
    child: Child,
    said: PathBuf,
    log: PathBuf,
}

impl Serving {
    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// What it asked and was answered, and when, in microseconds.
    fn log(&self) -> Vec<(String, i64)> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let line = |line: &str| {
            let (word, at) = line.split_once(' ').unwrap();
            (word.to_owned(), at.parse().unwrap())
        };
        text.lines().map(line).collect()
    }

    fn leads(&self) -> bool {
        self.said().contains(" leads")
    }

    fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One pause. `None`: the course was over before. Else the changes that the woken leader began.
fn pause(bed: &Bed, at: u64, end: &BTreeMap<(String, String), usize>) -> Option<usize> {
    let course = bed.course(&format!("pause-{at}"));
    let mut first = course.serve(FIRST, &SHORT, Some(at));
    let mut over = false;
    course.until(&[&first], "paused, or the end", || {
        over = !first.is_stopped() && course.go_on();
        over || first.is_stopped()
    });
    if over && !first.is_stopped() {
        return None;
    }
    let second = course.serve(SECOND, &SHORT, None);
    course.until(&[&first, &second], "the end, by the second one", || {
        second.leads() && course.go_on()
    });
    let by_first =
        |changes: &[(String, Timestamp)]| changes.iter().filter(|(who, _)| who == FIRST).count();
    let before = by_first(&bed.written(&course.namespace));
    let woken = Timestamp::now().as_microsecond();
    fs::write(course.dir.path().join("go-on"), "").unwrap();
    first.signal(Signal::CONT);
    let mut code = None;
    course.until(&[&second], "the first one to end", || {
        code = first.child.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(1), "{}", first.said());
    assert!(first.said().contains("no longer leads"), "{}", first.said());
    let log = first.log();
    let late = log
        .iter()
        .filter(|(word, at)| word == "yes" && *at >= woken)
        .count();
    let written = by_first(&bed.written(&course.namespace)) - before;
    assert_eq!(course.end(), *end, "pause {at}");
    if late + written > 0 {
        println!(
            "pause {at}: {late} answers, {written} changes\n{log:?}\n{}",
            first.said()
        );
    }
    Some(late.max(written))
}

#[test]
fn a_leader_that_wakes_up_too_late_begins_nothing() {
    let bed = Bed::start();
    // What it comes to without a pause.
    let undisturbed = bed.course("undisturbed");
    let first = undisturbed.serve(FIRST, &SHORT, None);
    undisturbed.until(&[&first], "the end", || undisturbed.go_on());
    let end = undisturbed.end();
    drop(first);

    let step = std::env::var("OVO_PAUSE_STEP").map_or(13, |step| step.parse().unwrap());
    let (next, over) = (AtomicU64::new(1), AtomicBool::new(false));
    let late = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        // Most of a pause is waiting for a lease to end.
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let at = next.fetch_add(step, Ordering::SeqCst);
                    match pause(&bed, at, &end) {
                        Some(acts) => late.lock().unwrap().push((at, acts)),
                        None => over.store(true, Ordering::SeqCst),
                    }
                }
            });
        }
    });
    let late = late.into_inner().unwrap();
    let acts: usize = late.iter().map(|(_, acts)| acts).sum();
    figure("k8s.pause_points", late.len());
    figure("k8s.late_acts", acts);
    // Creation alone asks more often than that.
    assert!(late.len() as u64 > 100 / step, "{late:?}");
    assert_eq!(acts, 0, "{late:?}");
}

#[test]
fn another_one_takes_over_soon() {
    let bed = Bed::start();
    let course = bed.course("hand-over");
    let usual: [&str; 0] = [];
    let mut first = course.serve(FIRST, &usual, None);
    course.until(&[&first], "the end", || course.go_on());
    let mut second = course.serve(SECOND, &usual, None);
    course.until(&[&first, &second], "the second one to wait", || {
        second.said().contains("serving namespace")
    });

    // Asked to stop, and something is to be done. The last that it does with the Lease is to give it back.
    first.signal(Signal::TERM);
    course.scale(2);
    let after = |changes: Vec<(String, Timestamp)>, who: &str, since: Timestamp| {
        changes
            .into_iter()
            .find(|(user, at)| user == who && *at > since)
            .map(|(_, at)| at)
    };
    let milliseconds = |from: Timestamp, to: Timestamp| to.as_millisecond() - from.as_millisecond();
    first.child.wait().unwrap();
    let leases = bed.noted(&course.namespace, |resource| resource == "leases");
    let released = leases.iter().rfind(|(who, _)| who == FIRST).unwrap().1;
    let mut acted = None;
    course.until(&[&second], "an act of the second one", || {
        acted = after(bed.written(&course.namespace), SECOND, released);
        acted.is_some()
    });
    let graceful = milliseconds(released, acted.unwrap());
    course.until(&[&second], "two media nodes again", || {
        course.cluster()["status"]["media"]["ready"] == 2
    });

    // Killed: its Lease ends by itself.
    let first = course.serve(FIRST, &usual, None);
    course.until(&[&first], "the first one to wait", || {
        first.said().matches("serving namespace").count() == 2
    });
    second.child.kill().unwrap();
    let killed = Timestamp::now();
    course.scale(1);
    let mut acted = None;
    course.until(&[&first], "an act of the first one", || {
        acted = after(bed.written(&course.namespace), FIRST, killed);
        acted.is_some()
    });
    let crash = milliseconds(killed, acted.unwrap());
    figure("k8s.handover_graceful_ms", graceful);
    figure(
        "k8s.handover_crash_over_lease",
        format!("{}.{:02}", crash / 15_000, crash % 15_000 / 150),
    );
}

/// A line for `make pauses`, in place of an older one of this name, where it asks for one.
fn figure(name: &str, value: impl std::fmt::Display) {
    println!("{name} {value}");
    if let Some(path) = std::env::var_os("OVO_FIGURES") {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let others = text
            .lines()
            .filter(|line| !line.starts_with(&format!("{name} ")));
        let line = format!("{name} {value}");
        let lines: Vec<&str> = others.chain([&*line]).collect();
        fs::write(path, lines.join("\n") + "\n").unwrap();
    }
}
