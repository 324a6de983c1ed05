//! Has the crate rebuilt when a case or a snapshot comes or goes: the corpus is embedded.

#[expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=cases");
}
