//! Waiting.

use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// Asks again and again until the answer is `Ok`; after a minute the last refusal is the failure.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(why) => assert!(began.elapsed() < LIMIT, "not within {LIMIT:?}: {why}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
