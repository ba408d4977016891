// Passkeys by the browser's own JSON forms (WebAuthn level 3 §5.1.8).
import { api } from './api.ts'

export function passkeysWork(): boolean {
  return 'PublicKeyCredential' in window && 'parseRequestOptionsFromJSON' in PublicKeyCredential
}

/** Logs in, or in a session shows again who one is. */
export async function logInByPasskey(): Promise<void> {
  const { options } = await api.post<{ options: PublicKeyCredentialRequestOptionsJSON }>(
    '/api/v1/session/passkey/options',
  )
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  const credential = await navigator.credentials.get({ publicKey })
  if (!(credential instanceof PublicKeyCredential)) throw new Error('No passkey was given.')
  await api.post('/api/v1/session/passkey', { response: credential.toJSON() as unknown })
}

export async function makePasskey(label: string): Promise<void> {
  const { options } = await api.post<{ options: PublicKeyCredentialCreationOptionsJSON }>(
    '/api/v1/passkeys/options',
  )
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  const credential = await navigator.credentials.create({ publicKey })
  if (!(credential instanceof PublicKeyCredential)) throw new Error('No passkey was made.')
  await api.post('/api/v1/passkeys', { label, response: credential.toJSON() as unknown })
}

/** What the browser throws where somebody changed his mind. */
export function wasCancelled(error: unknown): boolean {
  return error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'AbortError')
}
