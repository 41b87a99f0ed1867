//! `cargo xtask demo`: the private-search page on this machine.

use crate::process::{command, find};
use crate::{files, packs, project, web};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::io::IsTerminal;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct Options {
    /// Port on localhost
    #[arg(long, default_value_t = 4173)]
    port: u16,
    /// A pack or a checkpoint: a folder, or tiny-silu, tiny-gelu, tiny-gemma, granite-97m, granite-small-english,
    /// granite-english, granite-311m (shapes with seeded weights) [default: the built-in model]
    #[arg(long)]
    model: Option<String>,
    /// Do not open the page in a browser
    #[arg(long)]
    no_open: bool,
}

/// Builds what the page needs, serves it, and stays until it is interrupted.
pub fn run(options: &Options) -> Result<()> {
    ensure!(!answers(options.port), "port {} is in use; choose another with --port", options.port);
    let pack = options.model.as_deref().map(packs::find).transpose()?;
    web::page()?;
    let mut query = String::new();
    if let Some(pack) = &pack {
        // Building the page empties its folder, so the pack comes after it.
        files::copy_folder(pack, &project::path("www/dist/packs/demo"))?;
        query = "?pack=./packs/demo/".to_string();
    }
    let port = options.port.to_string();
    let mut server = command("npx", ["vite", "preview", "www", "--strictPort", "--port", &port])
        .spawn()
        .context("cannot start the file server")?;
    let url = format!("http://localhost:{port}/{query}");
    wait_for(&mut server, options.port)?;
    let model = pack.map_or("the built-in model".to_string(), |pack| format!("the pack {}", pack.display()));
    println!("\nfelsic's page, with {model}: {url} (Ctrl-C ends it)");
    if !options.no_open && std::io::stdout().is_terminal() {
        open(&url);
    }
    let status = server.wait()?;
    ensure!(status.success(), "the file server ended ({status})");
    Ok(())
}

fn answers(port: u16) -> bool {
    let addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    addresses.iter().any(|address| TcpStream::connect_timeout(address, Duration::from_millis(300)).is_ok())
}

fn wait_for(server: &mut Child, port: u16) -> Result<()> {
    let begin = Instant::now();
    while !answers(port) {
        if let Some(status) = server.try_wait()? {
            bail!("the file server did not start ({status})");
        }
        ensure!(begin.elapsed() < Duration::from_secs(30), "the file server does not answer");
        sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Opens an address in the user's browser, if the system has a way to.
fn open(url: &str) {
    if let Some(opener) = find(&["open", "xdg-open"]) {
        // If the desktop does not open it, the address has still been printed.
        drop(command(opener, [url]).spawn());
    }
}
