// Shows again who one is: a dialog (`proof-dialog.tsx`) that whoever needs a fresh session opens and waits for.
import { signal } from '@preact/signals'

/** Open while it is set. */
export const proofAsked = signal<{ answer(shown: boolean): void } | null>(null)

/** Resolves to whether it was shown. One dialog serves all that wait. */
export function askProof(): Promise<boolean> {
  const before = proofAsked.peek()
  return new Promise((resolve) => {
    proofAsked.value = {
      answer(shown) {
        proofAsked.value = null
        before?.answer(shown)
        resolve(shown)
      },
    }
  })
}
