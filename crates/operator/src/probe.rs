//! For the tests that stop this process where it is about to act.

/// Is told of each question whether this process may begin to change something. The program has none; the tests run
/// it with one that stops the process.
pub trait Probe: Send + Sync + 'static {
    /// The question was asked, and is not answered yet.
    fn asked(&self);
    /// The answer; after `true` the call begins.
    fn answered(&self, may_begin: bool);
}
