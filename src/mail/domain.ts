// Domain names and address literals as mail uses them. IDNA by tr46 in its strict form.

declare const domainBrand: unique symbol
/** A domain in lower-case A-label form (`xn--…`), 1 to 255 octets, no final dot. */
export type Domain = string & { readonly [domainBrand]: true }

declare const literalBrand: unique symbol
/** An address literal with its brackets, normalised. */
export type AddressLiteral = string & { readonly [literalBrand]: true }
