//! Serves spaces until interrupted, to be looked at by hand:
//!
//! ```sh
//! cargo run -p space --example serve -- /tmp/kubeconfig wds1 its1          # in memory
//! DATA=/tmp/data cargo run -p space --example serve -- /tmp/kubeconfig wds1  # durable
//! kubectl --kubeconfig /tmp/kubeconfig --context wds1 get namespaces
//! ```
#![expect(clippy::print_stdout, reason = "an example reports on the terminal")]

use space::{Options, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kubeconfig = arguments.next().ok_or("usage: serve KUBECONFIG SPACE...")?;
    let options = match std::env::var_os("DATA") {
        Some(directory) => Options::in_directory(directory),
        None => Options::in_memory(),
    };
    let server = Server::open(options).await?;
    for name in arguments {
        server.create_space(&name).await?;
    }
    std::fs::write(&kubeconfig, server.kubeconfig().to_string())?;
    println!("{} spaces at https://{}; kubeconfig in {kubeconfig}", server.spaces().len(), server.address());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
