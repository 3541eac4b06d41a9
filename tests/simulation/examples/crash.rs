//! Runs crash and fault points: all, or every so-manieth (first argument).
#![allow(clippy::print_stdout)]

fn main() -> Result<(), String> {
    let every = std::env::args()
        .nth(1)
        .and_then(|a| a.parse().ok())
        .unwrap_or(1);
    let found = ovo_simulation::crash::enumerate(every, |_| true)?;
    for words in &found.failed {
        println!("---- {words}\n");
    }
    println!("{} runs, {} failed", found.runs, found.failed.len());
    Ok(())
}
