//! Keeps of the protocol's descriptors what recorded histories are made of.

use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorSet;
use std::collections::HashMap;
use std::path::PathBuf;

/// The file whose messages are read.
const WANTED: &str = "temporal/api/history/v1/message.proto";

fn main() {
    // `temporalio-protos` compiles the protocol, and tells its dependents where the descriptors are.
    println!("cargo::rerun-if-env-changed=DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH");
    let path =
        std::env::var_os("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH").expect("temporalio-protos is a dependency");
    let bytes = std::fs::read(path).expect("the descriptors were written");
    let all = FileDescriptorSet::decode(bytes.as_slice()).expect("the descriptors are well-formed");

    let files: HashMap<&str, _> = all.file.iter().map(|file| (file.name(), file)).collect();
    let mut wanted = vec![WANTED];
    let mut at = 0;
    while let Some(name) = wanted.get(at).copied() {
        at += 1;
        for import in files.get(name).into_iter().flat_map(|file| &file.dependency) {
            if !wanted.contains(&import.as_str()) {
                wanted.push(import);
            }
        }
    }
    let mut kept = FileDescriptorSet::default();
    for file in &all.file {
        if wanted.contains(&file.name()) {
            let mut file = file.clone();
            // Comments and positions are most of it.
            file.source_code_info = None;
            kept.file.push(file);
        }
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("history.bin");
    std::fs::write(out, kept.encode_to_vec()).expect("OUT_DIR is writable");
}
