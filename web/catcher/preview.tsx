// The HTML as a client would show it, at the width of devices: in a sandboxed frame in which nothing runs, and nothing is fetched from
// elsewhere until somebody asks.
import type { JSX } from 'preact'
import { signal } from '@preact/signals'
import { Button } from '../shared/ui/button.tsx'
import { Segments } from '../shared/ui/field.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { apiPath } from './state.ts'

type Device = 'phone' | 'tablet' | 'desktop'

const device = signal<Device>('desktop')
const remote = signal(false)
const widths: Readonly<Record<Device, string>> = { phone: '375px', tablet: '768px', desktop: '100%' }

export function Preview({ id, subject }: { id: string; subject: string }): JSX.Element {
  const path = apiPath(`/messages/${id}/html${remote.value ? '?remote=1' : ''}`)
  return (
    <div class="preview">
      <div class="row row-wrap preview-tools">
        <Segments
          label="Width"
          value={device.value}
          onChange={(value) => (device.value = value)}
          options={[
            {
              value: 'phone',
              label: (
                <>
                  <Icon name="phone" /> Phone
                </>
              ),
            },
            { value: 'tablet', label: 'Tablet' },
            {
              value: 'desktop',
              label: (
                <>
                  <Icon name="desktop" /> Desktop
                </>
              ),
            },
          ]}
        />
        <span class="grow" />
        <Button
          size="small"
          icon={remote.value ? 'eye' : 'eye-off'}
          aria-pressed={remote.value}
          onClick={() => (remote.value = !remote.value)}
        >
          {remote.value ? 'Remote content is loaded' : 'Load remote content'}
        </Button>
      </div>
      <div class={`device device-${device.value}`}>
        <iframe
          key={path}
          src={path}
          title={`The HTML of “${subject}”`}
          sandbox="allow-popups allow-popups-to-escape-sandbox"
          referrerpolicy="no-referrer"
          style={{ width: widths[device.value] }}
        />
      </div>
    </div>
  )
}
