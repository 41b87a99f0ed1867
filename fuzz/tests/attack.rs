//! The attack on the command line for seconds, as CI runs it.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use felsic_fuzz::attack::kinds::KINDS;

#[test]
fn nothing_is_found_within_seconds() {
    let attack = Path::new(env!("CARGO_BIN_EXE_felsic-attack"));
    let felsic = attack.with_file_name("felsic");
    assert!(felsic.is_file(), "{} is not there: cargo build --release --bin felsic", felsic.display());
    // Another seed on request: what is found is printed with it.
    let seed = std::env::var("FELSIC_FUZZ_SEED").unwrap_or_else(|_| "1".into());
    let mut command = Command::new(attack);
    command.arg("--felsic").arg(felsic).args(["--cases", "8", "--seconds", "2", "--seed", &seed]);
    let output = command.output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    for kind in KINDS {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(kind.name)).expect(kind.name);
        assert!(!line.contains(" 0 cases"), "{line}");
    }
    println!("{text}");
}
