//! The operator over a thousand clusters on a real API server, and beside it a plain client that makes as many writes.
//!
//! Writes `target/figures-k8s.txt` and adds its lines to `target/figures.txt` where that is. The infrastructure is
//! simulated; API server, store, operator process, service account and its rights are real.
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command: this is how it talks"
)]

mod arguments;
mod bed;
mod count;
mod follow;
mod load;
mod operator;
mod plain;
mod report;
mod run;
mod world;

use std::process::ExitCode;

use arguments::{Arguments, Work};

/// The operator's own: what the world takes is measured as there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let done = Arguments::parse(&given).and_then(|arguments| match &arguments.work {
        Work::World(file) => world::weigh(file),
        Work::Bench => run::all(&arguments, &given),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}
