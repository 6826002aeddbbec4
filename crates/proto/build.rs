//! Compiles `proto/` to Rust and to descriptor bytes, without protoc.

use std::path::{Path, PathBuf};
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(&root.join("korob"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Encoded by protox itself: prost's own types would drop the options, which are extensions.
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    let mut prost = tonic_prost_build::Config::new();
    prost.enable_type_names();
    prost.btree_map(["."]);
    prost.bytes([
        ".korob.events.v1.Event.body",
        ".korob.catalog.v1.ExportFeedChunk.chunk",
        ".korob.catalog.v1.ImportFeedRequest.chunk",
    ]);
    tonic_prost_build::configure()
        .codec_path("crate::codec::Codec")
        .compile_fds_with_config(compiler.file_descriptor_set(), prost)?;
    Ok(())
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
