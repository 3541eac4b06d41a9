//! The `openvidu-operator` binary.

use std::process::ExitCode;

use openvidu_operator::cli::Cli;

/// Plans are made of many small pieces; the system's allocator takes twice as long over them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match openvidu_operator::run(Cli::of_process()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
