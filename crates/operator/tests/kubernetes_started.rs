//! `docs/getting-started.md`: each command does what the page says, on a real API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::operator;
use ovo_kube::ApiServer;

/// For what a reader looks at again until it is so.
const PATIENCE: Duration = Duration::from_mins(2);
/// How the page starts the operator, which runs until it is told to stop.
const SERVE: &str = "cargo run --quiet --package openvidu-operator -- ";

/// A command of the page, and what it prints.
struct Shown {
    command: String,
    prints: Vec<String>,
}

/// What stands in the page's blocks of console.
fn shown(page: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut console = false;
    for line in page.lines() {
        if let Some(language) = line.strip_prefix("```") {
            console = language == "console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| console) {
            all.push(Shown {
                command: command.to_owned(),
                prints: Vec::new(),
            });
        } else if console && !line.is_empty() {
            all.last_mut().unwrap().prints.push(same(line));
        }
    }
    all
}

/// A line without what differs from one time to the next: columns' widths, ages, ports and process ids.
fn same(line: &str) -> String {
    let word = |word: &str| {
        let age = word.starts_with(|c: char| c.is_ascii_digit())
            && word.ends_with(['s', 'm', 'h', 'd'])
            && word
                .chars()
                .all(|c| c.is_ascii_digit() || "smhd".contains(c));
        if age || word == "<invalid>" {
            // The second is kubectl's word for a time to come: here the simulated clock runs ahead.
            return "AGE".to_owned();
        }
        if word.starts_with("process-") {
            return "process-ID".to_owned();
        }
        match word.split_once("127.0.0.1:") {
            Some((before, after)) => {
                let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{before}127.0.0.1:PORT{after}")
            }
            None => word.to_owned(),
        }
    };
    let words: Vec<String> = line.split_whitespace().map(word).collect();
    words.join(" ")
}

fn lines(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(same).collect()
}

/// Looks again and again until what is seen is what the page shows.
fn until(shown: &Shown, mut look: impl FnMut() -> Vec<String>) {
    let began = Instant::now();
    loop {
        let seen = look();
        if seen == shown.prints {
            return;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{}\nthe page shows:\n{}\nand it prints:\n{}",
            shown.command,
            shown.prints.join("\n"),
            seen.join("\n")
        );
        // The pause of a poll.
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An operator that runs.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself; then the test has failed already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(arguments: &str, api: &ApiServer, said: &Path) -> Serving {
    let out = fs::File::create(said).unwrap();
    let child = operator([])
        .args(arguments.split_whitespace())
        // What the page takes a minute for, and a port that nobody else has.
        .args(["--simulate-speed=30", "--listen=127.0.0.1:0"])
        .env("KUBECONFIG", api.kubeconfig(ovo_kube::ADMIN).unwrap())
        .env_remove("HOSTNAME")
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn()
        .unwrap();
    Serving(child)
}

/// A shell in which `kubectl` speaks to the server.
fn shell(api: &ApiServer, command: &str) -> Command {
    let kubectl = api.kubectl();
    let folder = Path::new(kubectl.get_program()).parent().unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{command} 2>&1")])
        .env_clear()
        .envs(kubectl.get_envs().filter_map(|(k, v)| Some((k, v?))))
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .current_dir(repository())
        .stdin(Stdio::null());
    shell
}

#[test]
fn the_page_shows_what_happens() {
    let page = fs::read_to_string(repository().join("docs/getting-started.md")).unwrap();
    let all = shown(&page);
    assert!(all.len() >= 5, "the page has {} commands", all.len());
    let api = ApiServer::builder().controllers().start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let said = dir.path().join("said");
    let mut serving = None;
    for shown in &all {
        if let Some(arguments) = shown.command.strip_prefix(SERVE) {
            serving = Some(serve(arguments, &api, &said));
            until(shown, || {
                let mut lines = lines(&fs::read(&said).unwrap());
                lines.truncate(shown.prints.len());
                lines
            });
            continue;
        }
        let print = || lines(&shell(&api, &shown.command).output().unwrap().stdout);
        // What may be asked again: the definitions are served a moment after they were applied.
        let again = ["kubectl get ", "kubectl apply "];
        if again.iter().any(|start| shown.command.starts_with(start)) {
            until(shown, print);
        } else {
            assert_eq!(print(), shown.prints, "{}", shown.command);
        }
    }
    assert!(serving.is_some(), "the page starts no operator: {SERVE}");
}
