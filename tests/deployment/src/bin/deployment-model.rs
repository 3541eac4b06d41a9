//! The models of `ovo-livekit-model`, once more: cargo gives a test the programs of its own package alone.

use std::process::ExitCode;

use clap::Parser;
use ovo_livekit_model::{Command, run};

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("model: {error}");
            ExitCode::FAILURE
        }
    }
}
