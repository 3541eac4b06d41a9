//! The traits behind which every backend lives, and the kit that tests them.
