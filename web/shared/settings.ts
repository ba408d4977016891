// Small choices of this browser (theme, widths, who may load images), kept in localStorage where there is one.
const prefix = 'posthorn-'

export function readSetting(name: string, fallback: string): string {
  try {
    return localStorage.getItem(prefix + name) ?? fallback
  } catch {
    // Storage is switched off: nothing is remembered.
    return fallback
  }
}

export function writeSetting(name: string, value: string): void {
  try {
    localStorage.setItem(prefix + name, value)
  } catch {
    // Storage is full or switched off: the choice holds until the page is left.
  }
}
