//! The server as its users meet it: through kube, in process and over TLS, and across restarts.

#[cfg(test)]
mod black_box {
    mod clients;
    mod durability;
    mod limits;
    mod services;
    mod watching;

    use kube::Client;
    use kube::config::{KubeConfigOptions, Kubeconfig};
    use space::{Options, Server};

    /// A server in memory with one space.
    pub async fn server() -> Server {
        let server = Server::open(Options::in_memory()).await.unwrap();
        server.create_space("wds1").await.unwrap();
        server
    }

    /// A client without a socket.
    pub fn inside(server: &Server) -> Client {
        Client::new(server.admin_service("wds1").unwrap(), "default")
    }

    /// A client over TLS, with what a kubeconfig says.
    pub async fn outside(server: &Server) -> Client {
        let kubeconfig = Kubeconfig::from_yaml(&server.kubeconfig().to_string()).unwrap();
        let options = KubeConfigOptions { context: Some("wds1".into()), ..KubeConfigOptions::default() };
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        Client::try_from(config).unwrap()
    }
}
