//! Where a robot may live: what an admin enters must not lead to what we can reach and they cannot.

use std::{io::ErrorKind, net::TcpListener};

use jiff::Timestamp;
use robots::{Answer, Client, Failure};

use crate::{asking, client, hook, model};

async fn both(client: &Client, url: &str) -> Result<Answer, Failure> {
    let asking = asking("?", &[]);
    let one = client.chat(&model(url), &asking).await;
    let other = client.webhook(&hook(url), &asking, Timestamp::UNIX_EPOCH).await;
    assert_eq!(one, other, "{url}");
    one
}

#[tokio::test]
async fn only_https_on_the_public_internet() {
    let client = Client::new(false).unwrap();
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
async fn no_name_that_leads_into_a_private_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    assert_eq!(both(&Client::new(false).unwrap(), &url).await, Err(Failure::NotPublic));
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_private_network_has_no_users_in_addresses_either() {
    for url in ["http://user:planted@127.0.0.1/", "http://user@127.0.0.1/", "file:///etc/passwd", "127.0.0.1"] {
        assert_eq!(both(&client(), url).await, Err(Failure::Address), "{url}");
    }
}
