//! The data directory of a database, by programs of a shell that run where it is, as its user.
//!
//! Each takes the directory as its first argument, speaks English with [`argv`], and writes why it failed to standard
//! output or standard error.

/// Waits until no server runs on the data. Its second argument is for how many seconds.
pub const AWAIT_END: &str = concat!(include_str!("server.sh"), include_str!("await_end.sh"));
/// The exit code by which [`AWAIT_END`] says that a server still runs; its output says which process it is.
pub const STILL_RUNS: i32 = 105;

/// Leaves the directory empty, with mode 0700: all that was in it is moved aside at once, to a folder beside it in the same
/// file system, or nothing is. An absent directory stays absent, and one that an emptying left behind when it broke off
/// is made again. A directory that can't be moved, as a mount point can't, keeps what it holds.
pub const MOVE_ASIDE: &str = concat!(include_str!("server.sh"), include_str!("move_aside.sh"));
/// The exit code by which [`MOVE_ASIDE`] says that a server runs on the data.
pub const RUNS: i32 = 107;
/// Deletes what was moved aside, now and before. What can't be deleted is told, with another exit code than 0, and is in
/// no later emptying's way.
pub const REMOVE_ASIDE: &str = include_str!("remove_aside.sh");

/// The command that runs one of these programs.
#[must_use]
pub fn argv(program: &str, arguments: &[&str]) -> Vec<String> {
    let fixed = ["env", "LC_ALL=C", "sh", "-c", program, "sh"];
    fixed.iter().chain(arguments).map(|&word| word.to_owned()).collect()
}
