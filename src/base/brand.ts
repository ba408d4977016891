// Branded types: a `Domain` is a string at run time, but only the parser that checks it can make one. The one cast
// that a brand needs belongs into that parser.

declare const brand: unique symbol

/** A `Base` that has passed the check called `Name`. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }
