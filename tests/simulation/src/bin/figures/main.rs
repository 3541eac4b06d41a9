//! What can be counted and timed: crash points, simulated days, planted bugs, and how long a plan takes.
//!
//! Writes `target/figures.txt`: a header, then lines `name value`. With `--soak` it only lives through days, with
//! `--timings` it only times plans, and prints the lines. Progress and whatever failed go to standard error; anything
//! that failed fails the process.
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command: this is how it talks"
)]

mod arguments;
mod bugs;
mod ci;
mod days;
mod points;
mod report;
mod timing;

use std::process::ExitCode;

use arguments::{Arguments, USAGE, Work};
use report::Report;

/// The operator's own: what is timed here is timed as there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let arguments = match Arguments::parse(&given) {
        Ok(arguments) => arguments,
        Err(words) => {
            eprintln!("{words}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::begin(&given, &arguments.seeds);
    match run(&arguments, &mut report) {
        Ok(()) if report.failures() == 0 => ExitCode::SUCCESS,
        Ok(()) => {
            eprintln!("{} failures", report.failures());
            ExitCode::FAILURE
        }
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments, report: &mut Report) -> Result<(), String> {
    match arguments.work {
        Work::Help => println!("{USAGE}"),
        Work::Soak => {
            days::live(&arguments.seeds, report);
            print!("{}", report.text());
        }
        Work::Timings => {
            timing::measure(report)?;
            print!("{}", report.text());
        }
        Work::All => {
            // First, while the processor is cool and nothing else of ours runs.
            timing::measure(report)?;
            bugs::find(report);
            points::run(report)?;
            days::live(&arguments.seeds, report);
            ci::duration(report)?;
            let path = report.write()?;
            print!("{}", report.text());
            eprintln!("written to {}", path.display());
        }
    }
    Ok(())
}
