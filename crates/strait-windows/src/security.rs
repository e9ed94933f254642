//! Who may open what this process creates.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{object::wide, user::User};
use std::{io, ptr::null_mut};
use strait_core::{Access, Error, Result};
use windows_sys::Win32::{
    Foundation::LocalFree,
    Security::{
        Authorization::{ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1},
        PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES,
    },
};

/// A list of who may open a thing, for the call that creates it.
#[derive(Debug)]
pub(crate) struct Security(PSECURITY_DESCRIPTOR);

impl Security {
    /// The creating user, and with wider access others, who may then read, write and wait, but not change who may.
    pub(crate) fn of(access: Access) -> Result<Self> {
        let user = User::own()?;
        let own = format!("D:P(A;;GA;;;{})", user.sid);
        match access {
            Access::Group => Self::parse(&format!("{own}(A;;GRGWGX;;;{})", user.group)),
            Access::Everyone => Self::parse(&format!("{own}(A;;GRGWGX;;;WD)")),
            _ => Self::parse(&own),
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

impl Drop for Security {
    fn drop(&mut self) {
        // SAFETY: the system has allocated it for this value alone.
        unsafe { LocalFree(self.0) };
    }
}
