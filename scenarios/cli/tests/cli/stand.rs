//! The backend `stand` on a machine that can't hold it.

use crate::session::{Ended, feed, pgdrill};

#[test]
fn a_machine_that_runs_short_ends_with_4_and_no_verdict() {
    let program = pgdrill().get_program().to_owned();
    for limit in [12, 32, 64] {
        let mut command = std::process::Command::new("sh");
        let script = format!("ulimit -n {limit}; exec \"$0\" run --backend stand --jobs 8");
        command.args(["-c", &script]).arg(&program).env_remove("CI");
        let ended = Ended::of(feed(command, b""));
        assert_eq!((ended.code, &*ended.stdout), (4, ""), "{limit}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: "), "{limit}: {}", ended.stderr);
    }
}
