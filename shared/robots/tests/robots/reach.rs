//! Allowed addresses: an admin must not reach private networks through a robot (server-side request forgery).

use std::{io::ErrorKind, net::TcpListener};

use channel::Reach;
use robots::{Answer, Client, Failure};

use crate::{ask_model, ask_webhook, client, hook, model, turn_request};

async fn both(client: &Client, url: &str) -> Result<Answer, Failure> {
    let request = turn_request("?", &[]);
    let one = ask_model(client, &model(url), &request).await;
    let other = ask_webhook(client, &hook(url), &request).await;
    assert_eq!(one, other, "{url}");
    one
}

#[tokio::test]
async fn address_without_https_or_in_private_network_is_refused() {
    let client = Client::new(Reach::Public).unwrap();
    for (url, expected) in [
        ("https://127.0.0.1/", Failure::NotPublic),
        ("https://10.1.2.3/v1", Failure::NotPublic),
        ("https://172.16.0.1/", Failure::NotPublic),
        ("https://192.168.0.1/", Failure::NotPublic),
        ("https://169.254.169.254/latest/meta-data/", Failure::NotPublic),
        ("https://100.64.0.1/", Failure::NotPublic),
        ("https://2130706433/", Failure::NotPublic),
        ("https://0x7f.1/", Failure::NotPublic),
        ("https://[::1]/", Failure::NotPublic),
        ("https://[::ffff:127.0.0.1]/", Failure::NotPublic),
        ("https://[fd00:ec2::254]/", Failure::NotPublic),
        ("http://1.1.1.1/", Failure::Address),
        ("http://api.example/v1", Failure::Address),
        ("https://user:planted@api.example/v1", Failure::Address),
        ("file:///etc/passwd", Failure::Address),
        ("api.example/v1", Failure::Address),
        ("", Failure::Address),
    ] {
        assert_eq!(both(&client, url).await, Err(expected), "{url}");
    }
}

#[tokio::test]
async fn host_with_private_address_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    assert_eq!(both(&Client::new(Reach::Public).unwrap(), &url).await, Err(Failure::NotPublic));
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn user_name_in_address_is_refused_in_private_network() {
    for url in ["http://user:planted@127.0.0.1/", "http://user@127.0.0.1/", "file:///etc/passwd", "127.0.0.1"] {
        assert_eq!(both(&client(), url).await, Err(Failure::Address), "{url}");
    }
}
