//! The targets for seconds, as CI runs them: the same inputs every time.

use std::process::Command;

/// Runs `felsic-fuzz`; returns whether it succeeded, and what it printed.
fn fuzz(arguments: &[&str]) -> (bool, String) {
    let findings = concat!(env!("CARGO_TARGET_TMPDIR"), "/findings");
    let mut command = Command::new(env!("CARGO_BIN_EXE_felsic-fuzz"));
    let output = command.args(arguments).args(["--findings", findings]).output().expect("the program runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn nothing_is_found_within_seconds() {
    // Another seed on request: what is found is printed with it.
    let seed = std::env::var("FELSIC_FUZZ_SEED").unwrap_or_else(|_| "1".into());
    let (passed, text) = fuzz(&["--executions", "4000", "--seconds", "1", "--seed", &seed]);
    assert!(passed, "{text}");
    for target in felsic_fuzz::TARGETS {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(target.name)).expect(target.name);
        let executions = line.split_whitespace().nth(1).and_then(|count| count.parse().ok()).unwrap_or(0);
        assert!(executions >= 3, "{line}");
    }
    println!("{text}");
}

#[test]
fn a_target_of_another_name_is_refused() {
    assert!(!fuzz(&["nothing"]).0);
}
