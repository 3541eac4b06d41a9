//! Models of the servers of a deployment of OpenVidu, for tests.

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
