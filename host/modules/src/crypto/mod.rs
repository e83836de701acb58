//! Module `crypto`.

pub mod cipher;
pub mod jwt;
pub mod pbkdf2;
pub mod random;

use crate::bindings::{Answer, answer, crypto as wit};
use crate::compute::{self, Stop};
use crate::durable::Randomness;
use crate::hash::{Sha256, Sha512, hmac};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Module, Ticket};
use perilune_value::Failure;
use subtle::ConstantTimeEq;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "crypto",
    summary: "Randomness, keyed digests, encryption, signed tokens, keys from passwords.",
    classes: &[Class::Workflow, Class::Nondeterministic, Class::Security],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes that are digested or encrypted where it is asked for; more of them are worked on apart. They take 3 ms where the processor
/// has no instructions for it.
const QUICK: usize = 256 << 10;

/// A digest that HMAC and PBKDF2 are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "names of digests")]
pub enum Digest {
    Sha256,
    Sha512,
}

impl From<wit::Digest> for Digest {
    fn from(digest: wit::Digest) -> Self {
        match digest {
            wit::Digest::Sha256 => Digest::Sha256,
            wit::Digest::Sha512 => Digest::Sha512,
        }
    }
}

impl From<wit::Cipher> for cipher::Cipher {
    fn from(cipher: wit::Cipher) -> Self {
        match cipher {
            wit::Cipher::Aes => cipher::Cipher::Aes,
            wit::Cipher::Chacha20 => cipher::Cipher::Chacha20,
        }
    }
}

/// HMAC in lower-case hexadecimal.
///
/// # Errors
///
/// `Invalid` for an empty key: everybody has it.
pub fn keyed_digest(digest: Digest, key: &[u8], data: &[u8]) -> Result<Vec<u8>, Failure> {
    if key.is_empty() {
        return Err(Failure::invalid("crypto.hmac: the key is empty"));
    }
    Ok(match digest {
        Digest::Sha256 => hmac::<Sha256>(data, key, false),
        Digest::Sha512 => hmac::<Sha512>(data, key, false),
    })
}

/// Lua asks for what is larger in the other way; a guest that does not is told to.
fn quick(bytes: usize) -> Result<(), Failure> {
    if bytes <= QUICK {
        return Ok(());
    }
    Err(Failure::invalid(format!("crypto: {bytes} bytes are more than are worked on at once")))
}

/// Starts work on bytes that gives bytes.
fn start(
    state: &mut CellState,
    bytes: usize,
    work: impl FnOnce(&Stop) -> Result<Vec<u8>, Failure> + Send + 'static,
) -> wasmtime::Result<Ticket> {
    compute::start_bytes(state, bytes, work)
}

fn take(state: &mut CellState, ticket: Ticket) -> Answer<Vec<u8>> {
    Ok(compute::take_bytes(state, ticket)?.map_err(failure_to_wit))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("invariant: hexadecimal digits are text")
}

impl wit::Host for CellState {
    fn random_bytes(&mut self, count: i64) -> Answer<Vec<u8>> {
        answer(random::bytes(&mut Randomness::of(self), count))
    }

    fn random_string(&mut self, count: i64, charset: Option<Vec<u8>>) -> Answer<Vec<u8>> {
        answer(random::string(&mut Randomness::of(self), count, charset.as_deref()))
    }

    fn random_uuid(&mut self) -> wasmtime::Result<String> {
        Ok(uuid::Builder::from_random_bytes(Randomness::of(self).bytes()).into_uuid().to_string())
    }

    fn hmac(&mut self, digest: wit::Digest, key: Vec<u8>, data: Vec<u8>) -> Answer<String> {
        answer(quick(key.len() + data.len()).and_then(|()| keyed_digest(digest.into(), &key, &data)).map(text))
    }

    fn start_hmac_large(
        &mut self,
        digest: wit::Digest,
        key: Vec<u8>,
        data: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        start(self, key.len() + data.len(), move |_| keyed_digest(digest.into(), &key, &data))
    }

    fn take_hmac_large(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        take(self, ticket)
    }

    fn encrypt(&mut self, cipher: wit::Cipher, data: Vec<u8>, key: Vec<u8>, aad: Vec<u8>) -> Answer<Vec<u8>> {
        let result = quick(data.len() + aad.len());
        answer(result.and_then(|()| cipher::encrypt(&mut Randomness::of(self), cipher.into(), &data, &key, &aad)))
    }

    fn start_encrypt_large(
        &mut self,
        cipher: wit::Cipher,
        data: Vec<u8>,
        key: Vec<u8>,
        aad: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let bytes = data.len() + aad.len();
        let mut generator = Randomness::of(self);
        start(self, bytes, move |_| cipher::encrypt(&mut generator, cipher.into(), &data, &key, &aad))
    }

    fn take_encrypt_large(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        take(self, ticket)
    }

    fn decrypt(&mut self, cipher: wit::Cipher, data: Vec<u8>, key: Vec<u8>, aad: Vec<u8>) -> Answer<Vec<u8>> {
        let result = quick(data.len() + aad.len());
        answer(result.and_then(|()| cipher::decrypt(cipher.into(), &data, &key, &aad)))
    }

    fn start_decrypt_large(
        &mut self,
        cipher: wit::Cipher,
        data: Vec<u8>,
        key: Vec<u8>,
        aad: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let bytes = data.len() + aad.len();
        start(self, bytes, move |_| cipher::decrypt(cipher.into(), &data, &key, &aad))
    }

    fn take_decrypt_large(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        take(self, ticket)
    }

    fn jwt_encode(&mut self, claims: Vec<u8>, key: Vec<u8>, algorithm: Vec<u8>) -> Answer<Vec<u8>> {
        answer(jwt::encode(&claims, &key, &algorithm))
    }

    fn jwt_verify(
        &mut self,
        token: Vec<u8>,
        key: Vec<u8>,
        algorithm: Vec<u8>,
        require_exp: bool,
    ) -> Answer<Vec<u8>> {
        let now = self.host.now().seconds();
        answer(jwt::verify(&token, &key, &algorithm, require_exp, now))
    }

    fn start_pbkdf2(
        &mut self,
        digest: wit::Digest,
        password: Vec<u8>,
        salt: Vec<u8>,
        iterations: i64,
        length: i64,
    ) -> wasmtime::Result<Ticket> {
        start(self, password.len() + salt.len(), move |stop| {
            pbkdf2::derive(digest.into(), &password, &salt, iterations, length, || stop.check())
        })
    }

    fn take_pbkdf2(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        take(self, ticket)
    }

    fn constant_time_compare(&mut self, a: Vec<u8>, b: Vec<u8>) -> wasmtime::Result<bool> {
        Ok(a.ct_eq(&b).into())
    }
}
