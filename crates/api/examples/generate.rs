//! Writes `crds/` and the generated pages of `docs/`, without building the operator.
//!
//! `cargo run -p ovo-api --example generate`

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in ovo_api::docs::generated_files() {
        let path = root.join(&file.path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&path, file.text)?;
        println!("wrote {}", file.path);
    }
    Ok(())
}
