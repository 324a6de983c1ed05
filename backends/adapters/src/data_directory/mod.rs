//! The data directory of a database, by programs of a shell that run where it is, as its user.
//!
//! Each takes the directory as its first argument, speaks English with [`argv`], and writes why it failed to standard
//! output or standard error.

/// Waits until no server runs on the data. Its second argument is for how many seconds.
pub const AWAIT_END: &str = concat!(include_str!("server.sh"), include_str!("await_end.sh"));
/// The exit code by which [`AWAIT_END`] says that a server still runs; its output says which process it is.
pub const STILL_RUNS: i32 = 105;

/// The command that runs one of these programs.
#[must_use]
pub fn argv(program: &str, arguments: &[&str]) -> Vec<String> {
    let fixed = ["env", "LC_ALL=C", "sh", "-c", program, "sh"];
    fixed.iter().chain(arguments).map(|&word| word.to_owned()).collect()
}
