//! Every planted bug is found twice: the checker refuses it, and without the checker the oracle sees its harm.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use ovo_simulation::parallel;
use ovo_simulation::planted::{bugs, missed};

#[test]
fn the_checker_refuses_each_and_the_oracle_sees_each() {
    let all: Vec<_> = bugs().collect();
    let missed: Vec<String> = parallel::map(&all, |bug| missed(*bug))
        .into_iter()
        .flatten()
        .collect();
    println!("{} bugs planted", all.len());
    assert!(all.len() >= 20);
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}
