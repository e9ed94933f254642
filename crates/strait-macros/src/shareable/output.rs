//! The code that the derive writes.

use super::repr::Repr;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Fields, Ident, Member, Type, ext::IdentExt, spanned::Spanned};

/// `unsafe impl Shareable`, and assertions for what of the trait's promises the syntax can't show.
pub(super) fn implementation(input: &DeriveInput, repr: Repr, fields: &Fields) -> TokenStream {
    let name = &input.ident;
    let label = name.unraw().to_string();
    let types = || fields.iter().map(|field| &field.ty);
    let (seated, copied) = (types(), fields.members().zip(types()).map(|(m, ty)| copy(&m, ty)));
    let parts = fields.members().zip(fields).map(|(member, field)| part(&member, &field.ty));
    let no_drop = no_drop(name);
    let no_padding = match repr {
        Repr::C => no_padding(name, fields),
        // Its one field is all of it.
        Repr::Transparent => TokenStream::new(),
    };
    quote! {
        // Safety: every field is `Shareable`, so that every pattern of bits is a valid value, and
        // means the same everywhere. `repr` fixes the layout, which is in the fingerprint. That there
        // is no padding between them and no `Drop` is asserted below, in a constant that is always evaluated.
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        unsafe impl ::strait::Shareable for #name {
            const FINGERPRINT: ::strait::backend::Fingerprint =
                ::strait::backend::Fingerprint::of_type(#label, ::core::mem::size_of::<Self>())
                #(#parts)*;
            const SEATED: bool = false #(|| <#seated as ::strait::Shareable>::SEATED)*;

            fn copy_to(&mut self, bytes: &mut [u8]) {
                #(#copied)*
            }
        }
        const _: () = {
            // Where a field isn't `Shareable` this ends it, so that there is only the error about that.
            let _ = <#name as ::strait::Shareable>::FINGERPRINT;
            #no_drop
            #no_padding
        };
    }
}

/// What a field adds to the fingerprint.
fn part(member: &Member, ty: &Type) -> TokenStream {
    let label = label(member);
    quote! {
        .field(
            #label,
            ::core::mem::offset_of!(Self, #member),
            <#ty as ::strait::Shareable>::FINGERPRINT,
        )
    }
}

/// Copies a field to where it lies in the struct.
fn copy(member: &Member, ty: &Type) -> TokenStream {
    quote! {
        <#ty as ::strait::Shareable>::copy_to(
            &mut self.#member,
            &mut bytes[::core::mem::offset_of!(Self, #member)..][..::core::mem::size_of::<#ty>()],
        );
    }
}

/// Every field begins where the one before it ends, and the last one ends where the struct does.
fn no_padding(name: &Ident, fields: &Fields) -> TokenStream {
    let mut assertions = TokenStream::new();
    let mut end = None;
    for (member, field) in fields.members().zip(fields) {
        if let Some(end) = end {
            let start = quote!(::core::mem::offset_of!(#name, #member));
            let before = format!("before `{}`", label(&member));
            assertions.extend(no_gap(&end, &start, &before, member.span()));
        }
        let ty = &field.ty;
        end = Some(quote! {
            ::core::mem::offset_of!(#name, #member) + ::core::mem::size_of::<#ty>()
        });
    }
    let end = end.unwrap_or_else(|| quote!(0));
    let size = quote!(::core::mem::size_of::<#name>());
    assertions.extend(no_gap(&end, &size, "after the last field", name.span()));
    assertions
}

fn no_gap(from: &TokenStream, to: &TokenStream, place: &str, span: Span) -> TokenStream {
    let why = format!(
        "there is padding {place}, and padding can't be shared, as it isn't initialised: \
         fill it with a field, such as `_unused: [u8; 4]`"
    );
    assertion(&quote!(#from == #to), &why, span)
}

fn no_drop(name: &Ident) -> TokenStream {
    let why = "a type that needs `Drop` can't be shared: \
               no process could say that it is the last one to use the value";
    assertion(&quote!(!::core::mem::needs_drop::<#name>()), why, name.span())
}

/// An assertion that fails at `place` in the user's source. Other than that it belongs to the macro,
/// so that the user's lints have nothing to say about it.
fn assertion(condition: &TokenStream, why: &str, place: Span) -> TokenStream {
    let span = place.resolved_at(Span::call_site());
    quote_spanned!(span=> ::core::assert!(#condition, #why);)
}

/// The name of a field, or its number.
fn label(member: &Member) -> String {
    match member {
        Member::Named(name) => name.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}
