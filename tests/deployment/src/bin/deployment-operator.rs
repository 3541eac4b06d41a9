//! `openvidu-operator`, once more: cargo gives a test the programs of its own package alone.

use std::process::ExitCode;

use openvidu_operator::cli::Cli;

fn main() -> ExitCode {
    match openvidu_operator::run(Cli::of_process()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
