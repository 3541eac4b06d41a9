//! `crds`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use ovo_api::generated_files;

use crate::commands::print;
use crate::failure::Failure;

pub(super) fn run(output: Option<&Path>) -> Result<ExitCode, Failure> {
    let Some(root) = output else {
        for file in generated_files()
            .iter()
            .filter(|file| file.path.starts_with("crds/"))
        {
            let text = file.text.trim_start_matches("---\n");
            print(&format!("---\n{text}"))?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    for file in generated_files() {
        let path = root.join(&file.path);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(root))?;
            fs::write(&path, &file.text)
        };
        write().map_err(Failure::file(&path))?;
    }
    Ok(ExitCode::SUCCESS)
}
