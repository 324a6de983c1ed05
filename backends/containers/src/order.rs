//! Short commands in a container, which end by themselves.

use std::time::Duration;

use futures_util::StreamExt as _;
use testcontainers::bollard::{
    Docker,
    errors::Error,
    exec::{StartExecOptions, StartExecResults},
    models::ExecConfig,
};

use super::{
    container::Container,
    stage::{EngineResult, complaint},
};

/// How long an order may take.
const BOUND: Duration = Duration::from_secs(60);
/// As much of a failed order's own words as is reported.
const REPORTED: usize = 400;

/// Runs a command in a container and returns what it wrote, both outputs in one. Its arguments can be read by anybody
/// who may ask the engine.
///
/// # Errors
///
/// It can't be started, does not end in time, or does not succeed.
pub(super) async fn order(
    docker: &Docker,
    container: &Container,
    command: &[&str],
) -> EngineResult<String> {
    let ran = tokio::time::timeout(BOUND, run(docker, container.id(), command)).await;
    let what = match ran {
        Ok(Ok((0, output))) => return Ok(output),
        Ok(Ok((code, output))) => {
            let reported: String = output.trim().chars().take(REPORTED).collect();
            format!("ended with {code}: {reported}")
        }
        Ok(Err(error)) => format!("can't be run: {error}"),
        Err(_) => format!("did not end within {BOUND:?}"),
    };
    Err(complaint(container.name(), &format!("`{}` {what}", command.first().unwrap_or(&""))))
}

async fn run(docker: &Docker, id: &str, command: &[&str]) -> Result<(i64, String), Error> {
    let config = ExecConfig {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.iter().map(|&word| word.to_owned()).collect()),
        ..ExecConfig::default()
    };
    let exec = docker.create_exec(id, config).await?.id;
    let mut written = String::new();
    if let StartExecResults::Attached { mut output, .. } =
        docker.start_exec(&exec, None::<StartExecOptions>).await?
    {
        while let Some(piece) = output.next().await {
            written.push_str(&piece?.to_string());
        }
    }
    let code = docker.inspect_exec(&exec).await?.exit_code;
    Ok((code.unwrap_or(-1), written))
}
