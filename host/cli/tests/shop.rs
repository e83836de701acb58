//! The shop of `examples/`, as its owner runs it and a customer uses it: the real program, the real browser.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod support;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::program;

/// A program that ends with the test.
struct Running {
    child: Child,
    /// What follows in its output the text that was waited for.
    found: String,
}

impl Running {
    /// Starts a program and reads one of its outputs until a line holds the text.
    fn until(mut command: Command, text: &str, from: fn(&mut Child) -> Box<dyn Read + Send>) -> Running {
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(from(&mut child)).lines();
        let mut seen = String::new();
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, rest)) = line.split_once(text) {
                let found = rest.split_whitespace().next().unwrap_or_default().to_owned();
                // Somebody has to read what the program still says.
                std::thread::spawn(move || lines.for_each(drop));
                return Running { child, found };
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        panic!("the program says {text:?}; it said:\n{seen}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The shop in a folder of its own, with the address of its server.
struct Shop {
    _folder: tempfile::TempDir,
    _server: Running,
    address: String,
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is made");
    for entry in fs::read_dir(from).expect("the folder is read") {
        let path = entry.expect("the folder is read").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        match path.is_dir() {
            true => copy(&path, &target),
            false if path.extension().is_some_and(|ending| ending.to_string_lossy().starts_with("db")) => {}
            false => drop(fs::copy(&path, &target).expect("the file is copied")),
        }
    }
}

fn open_shop() -> Shop {
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop"), folder.path());
    let mut command = program();
    command
        .args(["run", "--allow-env", "SHOP_ADDR", "-C"])
        .arg(folder.path())
        .env("SHOP_ADDR", "127.0.0.1:0")
        .stderr(Stdio::piped());
    let server =
        Running::until(command, "at=", |child| Box::new(child.stderr.take().expect("stderr is piped")));
    let address = server.found.trim_matches('"').to_owned();
    Shop { _folder: folder, _server: server, address }
}

async fn get(shop: &Shop, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("{}{path}", shop.address)).await.expect("the shop answers");
    let status = response.status().as_u16();
    (
        status,
        serde_json::from_slice(&response.bytes().await.expect("the answer arrives")).expect("it is JSON"),
    )
}

async fn order(shop: &Shop, order: Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("{}/api/orders", shop.address)).body(order.to_string());
    let response = request.send().await.expect("the shop answers");
    let status = response.status().as_u16();
    (
        status,
        serde_json::from_slice(&response.bytes().await.expect("the answer arrives")).expect("it is JSON"),
    )
}

fn stock(products: &Value, id: &str) -> i64 {
    let products = products.as_array().expect("products are a list");
    let product = products.iter().find(|product| product["id"] == id).expect("the product is there");
    product["stock"].as_i64().expect("stock is a number")
}

#[tokio::test]
async fn an_order_is_taken_from_stock_and_can_be_looked_up() {
    let shop = open_shop();
    let (status, placed) =
        order(&shop, json!({"name": "Ada", "items": [{"product": "sextant", "count": 2}]})).await;
    assert_eq!((status, placed["cents"].as_i64()), (201, Some(25800)), "{placed}");
    let number = placed["number"].as_str().expect("an order has a number");
    let (_, shown) = get(&shop, &format!("/api/orders/{number}")).await;
    assert_eq!(shown["items"], json!([{"product": "sextant", "count": 2}]), "{shown}");
    assert_eq!(stock(&get(&shop, "/api/products").await.1, "sextant"), 1);
}

#[tokio::test]
async fn an_order_that_cannot_be_filled_changes_nothing() {
    let shop = open_shop();
    let items = json!([{"product": "lamp", "count": 1}, {"product": "sextant", "count": 4}]);
    let (status, refused) = order(&shop, json!({"name": "Ada", "items": items})).await;
    assert_eq!((status, &refused["error"]), (409, &json!("not enough in stock: sextant")));
    assert_eq!(stock(&get(&shop, "/api/products").await.1, "lamp"), 12);
    assert_eq!(get(&shop, "/api/orders/none").await.0, 404);
}

#[tokio::test]
async fn malformed_orders_are_told_what_is_wrong() {
    let shop = open_shop();
    let wrong = [
        json!({"items": []}),
        json!({"name": "Ada"}),
        json!({"name": "Ada", "items": [{"product": "lamp", "count": 0}]}),
        json!({"name": "Ada", "items": ["lamp"]}),
        json!([1, 2]),
    ];
    for body in wrong {
        let (status, answer) = order(&shop, body.clone()).await;
        assert!(status == 400 && answer["error"].is_string(), "{body}: {status} {answer}");
    }
}

/// Chromium, driven by WebDriver; `None` where it is not installed, which is said loudly, and a failure in CI.
async fn browser() -> Option<(Running, Client)> {
    let driver = ["/usr/bin/chromedriver", "/usr/lib/chromium/chromedriver"]
        .iter()
        .find(|path| Path::new(path).exists());
    let Some(driver) = driver else {
        assert!(env::var_os("CI").is_none(), "CI has chromium and chromedriver");
        println!("SKIPPED: no browser; install Debian's packages chromium and chromium-driver");
        return None;
    };
    let mut command = Command::new(driver);
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
    let driver = Running::until(command, "successfully on port ", |child| {
        Box::new(child.stdout.take().expect("stdout is piped"))
    });
    let port = driver.found.trim_end_matches('.');
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1000,700",
    ];
    let capabilities = json!({"goog:chromeOptions": {"args": flags}});
    let capabilities = capabilities.as_object().expect("capabilities are an object").clone();
    let mut builder = ClientBuilder::new(HttpConnector::new());
    let client = builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await;
    Some((driver, client.expect("the browser starts")))
}

/// Where pictures are kept: CI shows them.
fn artifacts() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../test-artifacts");
    fs::create_dir_all(&folder).expect("the folder is made");
    folder
}

#[tokio::test]
async fn a_customer_buys_in_a_browser() {
    let shop = open_shop();
    let Some((_driver, page)) = browser().await else { return };
    page.goto(&shop.address).await.expect("the page loads");
    let add =
        page.wait().for_element(Locator::Css("button[data-product=lamp]")).await.expect("lamps are for sale");
    add.click().await.expect("the lamp goes into the cart");
    let add = page.wait().for_element(Locator::Css("button[data-product=moon-map]")).await.expect("and maps");
    add.click().await.expect("the map goes into the cart");
    let sum = page.find(Locator::Id("sum")).await.expect("there is a sum").text().await.expect("it is shown");
    assert_eq!(sum, "54.40 €");

    page.find(Locator::Id("name"))
        .await
        .expect("there is a field")
        .send_keys("Ada")
        .await
        .expect("it takes text");
    page.find(Locator::Id("place")).await.expect("there is a button").click().await.expect("it is pressed");
    let thanks =
        page.wait().for_element(Locator::XPath("//p[@id='message' and contains(., 'Thank you')]")).await;
    let thanks = thanks.expect("the order is confirmed").text().await.expect("it is shown");
    let picture = page.screenshot().await.expect("a picture is taken");
    fs::write(artifacts().join("shop.png"), picture).expect("the picture is kept");

    let number = thanks.split_whitespace().nth(3).expect("it names the order").trim_end_matches(',');
    let (status, order) = get(&shop, &format!("/api/orders/{number}")).await;
    assert_eq!(
        (status, &order["name"], order["cents"].as_i64()),
        (200, &json!("Ada"), Some(5440)),
        "{order}"
    );
    page.close().await.expect("the browser closes");
}
