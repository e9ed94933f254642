//! Whose a kernel object is: a name can be taken by any user of the session.
#![expect(unsafe_code, reason = "asks who has made an object")]

use crate::{
    security::Security,
    user::{self, User},
};
use std::{
    io,
    os::windows::io::{AsRawHandle, OwnedHandle},
    ptr::null_mut,
};
use strait_core::Result;
use windows_sys::Win32::{
    Foundation::LocalFree,
    Security::{
        Authorization::{GetSecurityInfo, SE_KERNEL_OBJECT},
        OWNER_SECURITY_INFORMATION,
    },
};

/// That an object is this user's, whom alone it is for. It has to be said, as what an administrator's programs make
/// is all administrators' by default.
pub(super) fn own() -> Result<Security> {
    let user = &User::own()?.sid;
    Security::parse(&format!("O:{user}D:P(A;;GA;;;{user})"))
}

/// Whether an object was made with [`own`] by this user, if by anybody's; it has to permit to be asked.
pub(super) fn is_own(object: &OwnedHandle) -> io::Result<bool> {
    let owner = of(object)?;
    Ok(User::own().is_ok_and(|own| own.sid == owner))
}

fn of(object: &OwnedHandle) -> io::Result<String> {
    let (mut owner, mut descriptor) = (null_mut(), null_mut());
    // SAFETY: the handle is open, the two places are valid for pointers, and the others aren't asked for.
    let code = unsafe {
        let (owner, descriptor) = (&raw mut owner, &raw mut descriptor);
        let (handle, none) = (object.as_raw_handle(), null_mut());
        let what = OWNER_SECURITY_INFORMATION;
        GetSecurityInfo(
            handle,
            SE_KERNEL_OBJECT,
            what,
            owner,
            none,
            null_mut(),
            null_mut(),
            descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code as i32));
    }
    // SAFETY: the identifier lies in the descriptor, which the system has made for the caller to free.
    unsafe {
        let text = user::text_of(owner);
        LocalFree(descriptor);
        text
    }
}
