// The answer sent while one is away (RFC 8621 §8).
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { checkSet, type JmapClient } from '../shared/jmap/client.ts'
import type { GetResponse, SetResponse, VacationResponse } from '../shared/jmap/types.ts'
import { Button } from '../shared/ui/button.tsx'
import { Switch, TextArea, TextField } from '../shared/ui/field.tsx'
import { Failed, Skeleton } from '../shared/ui/states.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useLoaded } from './load.ts'
import { Heading } from './heading.tsx'

/** A UTCDate as `<input type="date">` has it, in local time. */
function dayOf(date: string | null): string {
  if (date === null) return ''
  const local = new Date(date)
  return new Date(local.getTime() - local.getTimezoneOffset() * 60_000).toISOString().slice(0, 10)
}

function dateOf(day: string, time: string): string | null {
  return day === '' ? null : `${new Date(`${day}T${time}`).toISOString().slice(0, 19)}Z`
}

export function Vacation({ client }: { client: JmapClient }): JSX.Element {
  const { value, error, reload } = useLoaded(() =>
    client.call<GetResponse<VacationResponse>>('VacationResponse/get', { ids: ['singleton'] }),
  )
  const on = useSignal(false)
  const from = useSignal('')
  const to = useSignal('')
  const subject = useSignal('')
  const text = useSignal('')
  const kept = value?.list[0]
  useEffect(() => {
    if (kept === undefined) return
    on.value = kept.isEnabled
    from.value = dayOf(kept.fromDate)
    to.value = dayOf(kept.toDate)
    subject.value = kept.subject ?? ''
    text.value = kept.textBody ?? ''
  }, [kept])
  const save = async (): Promise<void> => {
    const update = {
      isEnabled: on.value,
      fromDate: dateOf(from.value, '00:00:00'),
      toDate: dateOf(to.value, '23:59:59'),
      subject: subject.value.trim() === '' ? null : subject.value.trim(),
      textBody: text.value === '' ? null : text.value,
      htmlBody: null,
    }
    try {
      checkSet(await client.call<SetResponse>('VacationResponse/set', { update: { singleton: update } }))
      toast(on.value ? 'Answers are sent while you are away' : 'No answers are sent')
    } catch (failure) {
      toastError(failure, 'Not saved')
    }
  }
  return (
    <>
      <Heading title="Vacation" about="Whoever writes to you is told that you are away, once in a week." />
      {error !== null ? <Failed title="It could not be loaded" reason={error} retry={reload} /> : null}
      {value === null && error === null ? <Skeleton /> : null}
      {value === null ? null : (
        <form
          class="card stack"
          onSubmit={(event) => {
            event.preventDefault()
            void save()
          }}
        >
          <Switch label="Send answers" checked={on.value} onChange={(checked) => (on.value = checked)} />
          <div class="two-fields">
            <TextField
              label="From"
              type="date"
              value={from.value}
              onInput={(day) => (from.value = day)}
              hint="Empty: from now."
            />
            <TextField
              label="To"
              type="date"
              value={to.value}
              onInput={(day) => (to.value = day)}
              hint="Empty: until you switch it off."
            />
          </div>
          <TextField
            label="Subject"
            value={subject.value}
            onInput={(value_) => (subject.value = value_)}
            placeholder="Away"
          />
          <TextArea label="Text" rows={6} value={text.value} onInput={(value_) => (text.value = value_)} />
          <div>
            <Button type="submit" tone="primary">
              Save
            </Button>
          </div>
        </form>
      )}
    </>
  )
}
