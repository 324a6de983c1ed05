//! Has the crate rebuilt when a case or a snapshot comes or goes: the corpus is embedded.

fn main() {
    println!("cargo::rerun-if-changed=cases");
}
