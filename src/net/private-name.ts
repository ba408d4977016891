// Names that the public DNS does not know, so that nobody elsewhere can have them lead where he wants: those without a dot and those
// below the domains that IANA and ICANN keep for one machine or one network. It refuses nothing itself, and does not look at addresses
// (`public-address.ts`).

/** Whether a name, in lower case and without a final dot, is none of the public DNS: a special-use domain, or no domain at all. */
export function isPrivateName(name: string): boolean {
  return !name.includes('.') || /\.(?:localhost|internal|test|local)$/.test(name)
}
