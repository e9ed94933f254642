//! Users: what the system knows them by, and their numbers.
//!
//! Windows has no numbers of users but identifiers (SID) of any length. The number that strait gives a user is the
//! beginning of the fingerprint of that identifier, as text: `S-1-5-21-…-1001`. It is the same in every process.
#![expect(unsafe_code, reason = "calls the system")]

use crate::object::owned;
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, OwnedHandle},
    ptr::null_mut,
    sync::OnceLock,
};
use strait_core::{Error, Fingerprint, Result};
use windows_sys::Win32::{
    Foundation::LocalFree,
    Security::{
        Authorization::ConvertSidToStringSidW, GetTokenInformation, PSID, TOKEN_INFORMATION_CLASS,
        TOKEN_PRIMARY_GROUP, TOKEN_QUERY, TOKEN_USER, TokenPrimaryGroup, TokenUser,
    },
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

/// A user, and the group that they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// The identifier as text.
    pub(crate) sid: String,
    /// That of the primary group.
    pub(crate) group: String,
}

impl User {
    /// That of this process.
    pub(crate) fn own() -> Result<&'static Self> {
        static OWN: OnceLock<User> = OnceLock::new();
        if let Some(own) = OWN.get() {
            return Ok(own);
        }
        // SAFETY: it returns a number that stands for this process, always.
        let this_process = unsafe { GetCurrentProcess() };
        let own = token_of(this_process).and_then(|token| Self::of_token(&token));
        let own = own.map_err(|error| Error::os("ask who this user is", error))?;
        Ok(OWN.get_or_init(|| own))
    }

    /// That of another process, of which a handle is open that may query it.
    pub(crate) fn of_process(process: impl AsHandle) -> io::Result<Self> {
        Self::of_token(&token_of(process.as_handle().as_raw_handle())?)
    }

    /// That of whoever a token stands for.
    pub(crate) fn of_token(token: &OwnedHandle) -> io::Result<Self> {
        // SAFETY: with this class the system fills in a `TOKEN_USER`, the SID of which lies behind it.
        let sid = with_information(token, TokenUser, |info| unsafe {
            text_of((*info.cast::<TOKEN_USER>()).User.Sid)
        })?;
        // SAFETY: with this class it is a `TOKEN_PRIMARY_GROUP`.
        let group = with_information(token, TokenPrimaryGroup, |info| unsafe {
            text_of((*info.cast::<TOKEN_PRIMARY_GROUP>()).PrimaryGroup)
        })?;
        Ok(Self { sid, group })
    }

    /// The number of the user with this identifier.
    ///
    /// # Safety
    ///
    /// It points to a valid SID.
    pub(crate) unsafe fn number_of(sid: PSID) -> io::Result<u32> {
        // SAFETY: the caller sees to it.
        unsafe { text_of(sid) }.map(|sid| number(&sid))
    }

    /// The number of the user.
    pub(crate) fn number(&self) -> u32 {
        number(&self.sid)
    }

    /// The number of their group.
    pub(crate) fn group_number(&self) -> u32 {
        number(&self.group)
    }
}

/// The number of the user, or of the group, with this identifier.
pub(crate) fn number(sid: &str) -> u32 {
    let [a, b, c, d, ..] = Fingerprint::of_bytes(sid.as_bytes()).to_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn token_of(process: windows_sys::Win32::Foundation::HANDLE) -> io::Result<OwnedHandle> {
    let mut token = null_mut();
    // SAFETY: the process' handle is open, and the place is valid for a handle.
    match unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } {
        0 => Err(io::Error::last_os_error()),
        _ => owned(token),
    }
}

/// Shows `look` what the system says of a token: a pointer that is valid, and aligned for anything, during the call.
fn with_information(
    token: &OwnedHandle,
    class: TOKEN_INFORMATION_CLASS,
    look: impl FnOnce(*const u64) -> io::Result<String>,
) -> io::Result<String> {
    // The longest SID has 68 bytes.
    let mut memory = [0u64; 32];
    let (len, mut used) = (size_of_val(&memory) as u32, 0);
    // SAFETY: the token is open, and the memory has as many bytes as is said.
    let done = unsafe {
        let place = memory.as_mut_ptr().cast();
        GetTokenInformation(token.as_raw_handle(), class, place, len, &raw mut used)
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { look(memory.as_ptr()) }
}

/// An identifier as text.
///
/// # Safety
///
/// It points to a valid SID.
pub(crate) unsafe fn text_of(sid: PSID) -> io::Result<String> {
    let mut text = null_mut();
    // SAFETY: the caller sees to the SID; the place is valid for a pointer.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has made a text that ends with a zero, which is this function's to free.
    unsafe {
        let len = (0..).take_while(|&index| *text.add(index) != 0).count();
        let sid = String::from_utf16_lossy(std::slice::from_raw_parts(text, len));
        LocalFree(text.cast());
        Ok(sid)
    }
}
