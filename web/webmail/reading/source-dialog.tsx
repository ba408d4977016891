// The message as it came: its header field by field, and its octets.
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { FullEmail } from '../../shared/jmap/types.ts'
import { Button } from '../../shared/ui/button.tsx'
import { Dialog } from '../../shared/ui/dialog.tsx'
import { Tabs } from '../../shared/ui/tabs.tsx'
import { Loading } from '../../shared/ui/states.tsx'
import { copyText } from '../../shared/ui/copy.ts'
import { useWebmail } from '../context.ts'
import { AuthenticationTable } from './authentication.tsx'

interface SourceDialogProps {
  readonly email: FullEmail
  readonly show: 'headers' | 'source'
  readonly onClose: () => void
}

const longest = 1_000_000

export function SourceDialog({ email, show, onClose }: SourceDialogProps): JSX.Element {
  const { client } = useWebmail()
  const tab = useSignal(show)
  const source = useSignal<string | null>(null)
  useEffect(() => {
    client
      .download(email.blobId, 'message/rfc822')
      .then((blob) => blob.slice(0, longest).text())
      .then(
        (text) => (source.value = text),
        (error: unknown) => (source.value = error instanceof Error ? error.message : String(error)),
      )
  }, [email.blobId])
  const copy = (): void => void copyText(source.value ?? '')
  return (
    <Dialog
      title={email.subject ?? 'Message'}
      wide
      onClose={onClose}
      foot={
        <Button icon="copy" onClick={copy}>
          Copy the source
        </Button>
      }
    >
      <Tabs
        label="What to show"
        value={tab.value}
        onChange={(value) => (tab.value = value)}
        tabs={[
          { value: 'headers', label: 'Header' },
          { value: 'source', label: 'Source' },
        ]}
      >
        {tab.value === 'headers' ? (
          <div class="stack">
            <h3>Who vouches for it</h3>
            <AuthenticationTable email={email} />
            <h3>Fields</h3>
            <dl class="facts small mono header-fields">
              {email.headers.map(({ name, value }, index) => (
                <>
                  <dt key={`n${index}`}>{name}</dt>
                  <dd key={`v${index}`}>{value.trim()}</dd>
                </>
              ))}
            </dl>
          </div>
        ) : source.value === null ? (
          <Loading />
        ) : (
          <pre class="preview-text" tabIndex={0}>
            {source.value}
          </pre>
        )}
      </Tabs>
    </Dialog>
  )
}
