//! The program as a person runs it: what it prints, where, and how it exits.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod archive;
mod bulk;
mod config;
mod conflicts;
mod erpnext;
mod history;
mod limits;
mod salesforce;
mod serve;
mod setup;
mod sheets;
mod start;
mod state;
mod systems;
mod tour;
mod usage;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Two sheets of customers that a flow keeps in agreement; options of the flow may follow.
const TWO_LISTS: &str = r#"[systems.left]
connector = "spreadsheet"
path      = "left.csv"
key       = "code"
[systems.right]
connector = "spreadsheet"
path      = "right.csv"
key       = "code"
[flows.customers]
entity  = "customer"
between = ["left", "right"]
"#;

/// A folder to run the program in, with no variables set but those it is given.
struct Shell {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// What a run came to.
#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Shell {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// A shell whose folder `init` filled.
    fn with_hub() -> Self {
        let shell = Self::new();
        shell.ok("init");
        shell
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Replaces a text of a file that must stand there.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not hold {from}");
        self.write(name, &text.replacen(from, to, 1));
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        command.args(line.split_whitespace()).current_dir(self.path()).env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&self, line: &str) -> Run {
        let output = self.command(line).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs what must succeed.
    fn ok(&self, line: &str) -> Run {
        let run = self.run(line);
        assert_eq!(run.code, 0, "{line}: {run:?}");
        run
    }

    /// Runs what must fail with `code` and say every one of `words`.
    fn fails(&self, line: &str, code: i32, words: &[&str]) -> Run {
        let run = self.run(line);
        assert_eq!(run.code, code, "{line}: {run:?}");
        let said = format!("{}{}", run.out, run.err);
        for word in words {
            assert!(said.contains(word), "{line}: `{word}` is not said in\n{said}");
        }
        run
    }

    fn emulate(&self, vendors: &str) -> Emulators {
        let mut command = self.command(&format!("emulate {vendors} --listen 127.0.0.1:0"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let count = vendors.split_whitespace().take_while(|word| !word.starts_with("--")).count();
        let bases = lines.by_ref().take(count).map(|line| {
            let line = line.unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0].to_owned(), words[1].to_owned(), words[3].to_owned())
        });
        Emulators { bases: bases.collect(), child }
    }
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|cause| panic!("{cause}: {}", self.out))
    }
}

/// Emulators that stop when dropped: name, address and key of each.
struct Emulators {
    bases: Vec<(String, String, String)>,
    child: Child,
}

impl Emulators {
    fn address(&self, name: &str) -> &str {
        &self.bases.iter().find(|(base, ..)| base == name).unwrap().1
    }

    /// Host and port of all of them.
    fn root(&self) -> &str {
        self.bases[0].1.split('/').nth(2).unwrap()
    }

    fn key(&self, name: &str) -> &str {
        &self.bases.iter().find(|(base, ..)| base == name).unwrap().2
    }

    /// What no API call can do, as people do it on a system's screens.
    fn control(&self, name: &str, command: &str, arguments: &Value) -> Value {
        let host = self.root();
        let body = arguments.to_string();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "POST /{name}/_control/{command} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{command}: {answer}");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }
}

impl Drop for Emulators {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
