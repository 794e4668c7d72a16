//! Prints the transcript of T-SQL scripts: `cargo run -p holdfast-exec --example transcript -- script.sql …`.
//! The form, and how a script asks for a restored corpus file, is that of `tests/common/transcript.rs`.

#[path = "../tests/common/transcript.rs"]
mod transcript;

fn main() {
    let run = || {
        for path in std::env::args().skip(1) {
            let script = std::fs::read_to_string(&path).expect("a readable script");
            match transcript::run(&script, None) {
                Some(text) => print!("{text}"),
                None => eprintln!("{path}: needs the corpus"),
            }
        }
    };
    // Deeply nested texts want the stack that the server's threads have.
    std::thread::Builder::new().stack_size(16 << 20).spawn(run).unwrap().join().unwrap();
}
