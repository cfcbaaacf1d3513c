//! The demo ends well, or when it is told to, and leaves neither a process nor a file.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use tempfile::TempDir;

#[test]
fn plays_to_its_end() {
    let scratch = TempDir::new().unwrap();
    let output = demo(&scratch).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!told.contains('\x1b'), "control codes where no terminal is");
    let (_, table) = told.split_once("\nCERTIFICATE").unwrap();
    for (certificate, operations) in [
        ("shop", "Renew, Reissue"),
        ("www", "Reissue"),
        ("wildcard", "Order, Reissue"),
        ("portal", "Order, Reissue, Renew"),
        ("press", "Order"),
        ("media", "Order"),
        ("legacy", "Adopt, Reissue"),
        ("blog", "Order"),
        ("bank", "Collect"),
    ] {
        let row = table.lines().find(|line| line.starts_with(certificate)).unwrap();
        assert!(row.contains(operations), "{row}");
    }
    nothing_is_left(&scratch);
}

#[test]
fn ends_when_it_is_told_to() {
    let scratch = TempDir::new().unwrap();
    let mut demo = demo(&scratch).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("the operator runs")).unwrap().unwrap();
    let interrupt = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(demo.wait().unwrap().code(), Some(130));
    nothing_is_left(&scratch);
}

/// Everything it makes is made in this folder.
fn demo(scratch: &TempDir) -> Command {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.env("TMPDIR", scratch.path());
    demo
}

fn nothing_is_left(scratch: &TempDir) {
    let files: Vec<_> = fs::read_dir(scratch.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(files.is_empty(), "left behind: {files:?}");
    let mark = format!("TMPDIR={}", scratch.path().display());
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|process| process.path());
    let ours = |environment: &Vec<u8>| String::from_utf8_lossy(environment).contains(&mark);
    let left: Vec<_> =
        processes.filter(|process| fs::read(process.join("environ")).is_ok_and(|read| ours(&read))).collect();
    assert!(left.is_empty(), "still running: {left:?}");
}
