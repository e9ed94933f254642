//! Who may open what this process creates.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{
    object::wide,
    user::{User, number, text_of},
};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle},
    ptr::null_mut,
};
use strait_core::{Access, Error, Result};
use windows_sys::Win32::{
    Foundation::LocalFree,
    Security::{
        Authorization::{ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1},
        DACL_SECURITY_INFORMATION, GetKernelObjectSecurity, GetSecurityDescriptorOwner,
        OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES,
        SetKernelObjectSecurity,
    },
};

/// A list of who may open a thing, for the call that creates it.
#[derive(Debug)]
pub(crate) struct Security(PSECURITY_DESCRIPTOR);

impl Security {
    /// The creating user, and with wider access others, who may then read, write and wait, but not change who may.
    pub(crate) fn of(access: Access) -> Result<Self> {
        Self::permitting(access, "GRGWGX")
    }

    /// The same, but others may only read.
    pub(crate) fn to_read(access: Access) -> Result<Self> {
        Self::permitting(access, "GRGX")
    }

    /// The creating user owns it, whatever groups they are in that could.
    fn permitting(access: Access, rights: &str) -> Result<Self> {
        let user = User::own()?;
        let own = format!("O:{0}D:P(A;;GA;;;{0})", user.sid);
        match access {
            Access::Group => Self::parse(&format!("{own}(A;;{rights};;;{})", user.group)),
            Access::Everyone => Self::parse(&format!("{own}(A;;{rights};;;WD)")),
            _ => Self::parse(&own),
        }
    }

    /// Has an object be open to those that this says, from now on.
    pub(crate) fn set_on(&self, object: impl AsHandle) -> io::Result<()> {
        let object = object.as_handle().as_raw_handle();
        // SAFETY: the descriptor is valid as long as this is, and the handle is open while it is borrowed.
        match unsafe { SetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, self.0) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// What a text in the security descriptor definition language says.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut descriptor = null_mut();
        let text = wide(text);
        // SAFETY: the text ends with a zero, and the place is valid for a pointer; no length is asked for.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            )
        };
        match done {
            0 => Err(Error::os("say who may open a thing", io::Error::last_os_error())),
            _ => Ok(Self(descriptor)),
        }
    }

    /// The attributes that say so, for as long as this is borrowed. No child inherits what is made with them.
    pub(crate) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }
}

/// The number of the user who owns an object that may be asked for it.
pub(crate) fn owner(object: BorrowedHandle<'_>) -> io::Result<u32> {
    // The longest SID has 68 bytes.
    let mut memory = [0u64; 32];
    let descriptor: PSECURITY_DESCRIPTOR = memory.as_mut_ptr().cast();
    let (len, mut used) = (size_of_val(&memory) as u32, 0);
    let (mut owner, mut defaulted) = (null_mut(), 0);
    let handle = object.as_raw_handle();
    // SAFETY: the handle is open, and the memory has as many bytes as is said; where the first call has filled it
    // with a descriptor, the second one puts a pointer into it.
    let done = unsafe {
        let info = OWNER_SECURITY_INFORMATION;
        GetKernelObjectSecurity(handle, info, descriptor, len, &raw mut used) != 0
            && GetSecurityDescriptorOwner(descriptor, &raw mut owner, &raw mut defaulted) != 0
    };
    match done {
        false => Err(io::Error::last_os_error()),
        true if owner.is_null() => Err(io::Error::other("it belongs to nobody")),
        // SAFETY: it points to a valid SID in `memory`, which is still there.
        true => Ok(number(&unsafe { text_of(owner) }?)),
    }
}

impl Drop for Security {
    fn drop(&mut self) {
        // SAFETY: the system has allocated it for this value alone.
        unsafe { LocalFree(self.0) };
    }
}
