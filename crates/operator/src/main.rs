//! The `openvidu-operator` binary.

use std::process::ExitCode;

use clap::Parser;
use openvidu_operator::cli::Cli;

fn main() -> ExitCode {
    match openvidu_operator::run(Cli::parse()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
