//! Puts the C API's headers beside the library: target/release/include.
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn main() {
    let include = env::var("DEP_WASMTIME_C_API_INCLUDE").expect("set by the C API's build script");
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo"));
    // OUT_DIR is target/release/build/<package>/out.
    let release = out.ancestors().nth(3).expect("four folders deep");
    copy_tree(Path::new(&include), &release.join("include")).expect("copying the C headers");
    println!("cargo:rerun-if-changed=build.rs");
}
