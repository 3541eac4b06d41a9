//! The loop: observe, plan, check, commit, execute, report.
