// Sends a caught message to real people, through the host that the configuration names.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { api } from '../shared/api.ts'
import { plural } from '../shared/format.ts'
import { Button } from '../shared/ui/button.tsx'
import { Dialog } from '../shared/ui/dialog.tsx'
import { TextArea } from '../shared/ui/field.tsx'
import { Notice } from '../shared/ui/states.tsx'
import { toast } from '../shared/ui/toast.tsx'
import { apiPath, type Detail, status } from './state.ts'

function addressesIn(text: string): string[] {
  return text.split(/[\s,;]+/).filter((word) => word !== '')
}

export function ReleaseDialog({ message, onClose }: { message: Detail; onClose: () => void }): JSX.Element {
  const { id, to, cc, bcc } = message
  const text = useSignal([...to, ...cc, ...bcc].map(({ address }) => address).join('\n'))
  const problem = useSignal<string | undefined>(undefined)
  const busy = useSignal(false)
  const relay = status.value?.release ?? null
  const send = async (): Promise<void> => {
    busy.value = true
    problem.value = undefined
    try {
      const people = addressesIn(text.value)
      await api.post(apiPath(`/messages/${id}/release`), { to: people })
      toast(`Released to ${plural(people.length, 'recipient')}`)
      onClose()
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <Dialog
      title="Release this message"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            icon="send"
            busy={busy.value}
            disabled={relay === null || addressesIn(text.value).length === 0}
            onClick={() => void send()}
          >
            Release
          </Button>
        </>
      }
    >
      <div class="stack">
        {relay === null ? (
          <Notice tone="warn">
            Nothing leaves this catcher. To release mail, name a host in its configuration:{' '}
            <code>catcher.relay.host</code>.
          </Notice>
        ) : (
          <p class="soft">
            It goes as it is through{' '}
            <span class="mono">
              {relay.host}:{relay.port}
            </span>
            .
          </p>
        )}
        <TextArea
          label="Recipients"
          hint="One to a line"
          value={text.value}
          problem={problem.value}
          disabled={relay === null}
          onInput={(value) => (text.value = value)}
        />
      </div>
    </Dialog>
  )
}
