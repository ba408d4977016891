// Pictures that stand in the text by Content-ID: fetched by the page, which has the session, and handed to the frame, which has none,
// as data URLs.
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { JmapClient } from '../../shared/jmap/client.ts'
import type { BodyPart, FullEmail } from '../../shared/jmap/types.ts'
import { useWebmail } from '../context.ts'

const picture = /^image\/(?:png|gif|jpe?g|webp|avif|bmp)$/i
const largest = 8_000_000

export function readDataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => resolve(typeof reader.result === 'string' ? reader.result : ''))
    reader.addEventListener('error', () => reject(new Error('The picture could not be read.')))
    reader.readAsDataURL(blob)
  })
}

/** Data URLs by Content-ID. */
export async function loadInlineParts(client: JmapClient, email: FullEmail): Promise<Record<string, string>> {
  const loaded: Record<string, string> = {}
  const wanted = email.attachments.filter(
    (part) => part.cid !== null && picture.test(part.type) && part.size < largest,
  )
  await Promise.all(
    wanted.map(async (part: BodyPart) => {
      const blob = await client.download(part.blobId ?? '', part.type)
      const url = await readDataUrl(new Blob([blob], { type: part.type }))
      loaded[(part.cid ?? '').replaceAll(/[<>]/g, '')] = url
    }),
  )
  return loaded
}

/** What `HtmlMail` takes; more as soon as they are there. */
export function useInlineParts(email: FullEmail): Readonly<Record<string, string>> {
  const { client } = useWebmail()
  const parts = useSignal<Readonly<Record<string, string>>>({})
  useEffect(() => {
    if (!email.attachments.some(({ cid }) => cid !== null)) return
    loadInlineParts(client, email).then(
      (loaded) => (parts.value = loaded),
      // The text is there without them.
      () => undefined,
    )
  }, [email.id])
  return parts.value
}
