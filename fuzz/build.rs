//! Writes down how the request of every method is decoded, so that a new one is tried without a line here.

use std::fmt::Write as _;
use std::{env, fs, path::Path};

fn main() {
    let mut code = String::from("pub static DECODERS: &[(&str, fn(&[u8]) -> Option<Vec<u8>>)] = &[\n");
    for service in proto::pool().services() {
        for method in service.methods() {
            let request = method.input();
            let package =
                request.package_name().strip_prefix("korob.").and_then(|name| name.strip_suffix(".v1"));
            let area = package.expect("requests are ours");
            writeln!(
                code,
                "    ({:?}, again::<proto::{area}::v1::{}>),",
                request.full_name(),
                request.name()
            )
            .expect("memory suffices");
        }
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("decoders.rs"), code).expect("the folder can be written");
}
