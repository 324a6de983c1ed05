//! What a build for memory alone leaves out says which command has it.

use crate::session::Session;

#[test]
fn what_is_not_built_in_says_the_command_that_has_it() {
    Session::new()
        .run("run --backend containers --filter create-backup")
        .run("run --backend stand")
        .run("run --backend charm")
        .run("up --backend containers --units 2")
        .run("rehearse create-backup")
        .run("dispatch")
        .holds("not_built_in");
}
