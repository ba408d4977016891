// When a message is to go out: a few good times, or any.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { formatDate, formatTime } from '../../shared/format.ts'
import { Button, IconButton } from '../../shared/ui/button.tsx'
import { Dialog } from '../../shared/ui/dialog.tsx'
import { TextField } from '../../shared/ui/field.tsx'
import { Menu } from '../../shared/ui/menu.tsx'

function at(days: number, hour: number): Date {
  const date = new Date()
  date.setDate(date.getDate() + days)
  date.setHours(hour, 0, 0, 0)
  return date
}

export function ScheduleButton({ onChoose }: { onChoose: (time: Date) => void }): JSX.Element {
  const asking = useSignal(false)
  const toMonday = (8 - new Date().getDay()) % 7 || 7
  const hour = new Date(Date.now() + 3_600_000)
  return (
    <>
      <Menu
        label="Send later"
        trigger={(attributes) => (
          <IconButton
            tone="primary"
            class="schedule-button"
            icon="chevron-up"
            label="Send later"
            {...attributes}
          />
        )}
        entries={[
          { title: 'Send later' },
          { label: `In an hour, ${formatTime(hour.getTime())}`, icon: 'clock', run: () => onChoose(hour) },
          { label: 'Tomorrow morning, 8:00', icon: 'sun', run: () => onChoose(at(1, 8)) },
          // On Sundays that is tomorrow.
          ...(toMonday === 1
            ? []
            : [
                {
                  label: 'Monday morning, 8:00',
                  icon: 'snooze' as const,
                  run: () => onChoose(at(toMonday, 8)),
                },
              ]),
          'rule',
          { label: 'At another time…', run: () => (asking.value = true) },
        ]}
      />
      {asking.value ? (
        <AskTime
          onClose={() => (asking.value = false)}
          onChoose={(time) => {
            asking.value = false
            onChoose(time)
          }}
        />
      ) : null}
    </>
  )
}

function AskTime({
  onClose,
  onChoose,
}: {
  onClose: () => void
  onChoose: (time: Date) => void
}): JSX.Element {
  const value = useSignal('')
  const time = new Date(value.value)
  const valid = !Number.isNaN(time.getTime()) && time.getTime() > Date.now()
  return (
    <Dialog
      title="Send later"
      onClose={onClose}
      foot={
        <Button tone="primary" disabled={!valid} onClick={() => onChoose(time)}>
          Send then
        </Button>
      }
    >
      <TextField
        label="When"
        type="datetime-local"
        value={value.value}
        onInput={(text) => (value.value = text)}
        hint={valid ? formatDate(time.getTime()) : 'A time to come.'}
      />
    </Dialog>
  )
}
