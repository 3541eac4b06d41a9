//! Writes down what this release leaves behind: run once for each release, with its version as argument.
#![allow(clippy::print_stdout)]

use ovo_simulation::fixtures::{Left, root};
use ovo_simulation::manifests::Shape;

fn main() -> std::io::Result<()> {
    let version = std::env::args()
        .nth(1)
        .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned());
    for shape in Shape::ALL {
        let folder = root()
            .join(&version)
            .join(format!("{shape:?}").to_lowercase());
        Left::made(shape).write(&folder)?;
        println!("{}", folder.display());
    }
    Ok(())
}
