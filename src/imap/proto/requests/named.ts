// How requests are written: a member of the union for each name, so that a switch over names narrows.

export type Named<Name extends string, Arguments> = Name extends string
  ? { readonly name: Name } & Arguments
  : never
