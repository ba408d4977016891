// The HTML as a client would show it, at the width of devices: in a sandboxed frame in which nothing runs, and nothing is fetched from
// elsewhere until somebody asks.
import type { JSX } from 'preact'
import { signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Button } from '../shared/ui/button.tsx'
import { Segments } from '../shared/ui/field.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { measureForPaper, type PaperSize, paperWidth } from './laid-out.ts'
import { apiPath } from './state.ts'

type Device = 'phone' | 'tablet' | 'desktop'

const device = signal<Device>('desktop')
const remote = signal(false)
/** Milliseconds for which somebody looks before the mail is laid out for paper. */
const settleMilliseconds = 300
const phoneWidth = 375
const widths: Readonly<Record<Device, string>> = {
  phone: `${phoneWidth}px`,
  tablet: '768px',
  desktop: '100%',
}

interface Shot {
  readonly id: string
  readonly subject: string
  readonly width: () => number
}

function ScreenshotButton({ id, subject, width }: Shot): JSX.Element {
  const busy = useSignal(false)
  const take = async (): Promise<void> => {
    busy.value = true
    try {
      const { download, takeScreenshot } = await import('./screenshot.ts')
      const { picture, cut } = await takeScreenshot(id, { width: width() })
      download(picture, `${fileName(subject)}.png`)
      toast(cut ? 'The picture has the beginning: the mail is too long for one' : 'Picture saved')
    } catch (error) {
      toastError(error, 'No picture could be made')
    } finally {
      busy.value = false
    }
  }
  return (
    <Button size="small" icon="image" disabled={busy.value} onClick={() => void take()}>
      Screenshot
    </Button>
  )
}

/** What every system takes for the name of a file. */
function fileName(subject: string): string {
  const name = subject.replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-|-$/g, '')
  return name.slice(0, 80) || 'message'
}

/** Measured when the mail is there and nothing else is to do: whoever prints does not wait for it. Null: nothing is shown. */
function usePaperSize(html: string | null): PaperSize | null {
  const size = useSignal<PaperSize | null>(null)
  const width = device.value === 'phone' ? phoneWidth : paperWidth
  const path = html === null ? null : `${html}?screenshot=1${remote.value ? '&remote=1' : ''}`
  useEffect(() => {
    size.value = null
    if (path === null) return undefined
    let wanted = true
    const timer = setTimeout(() => {
      measureForPaper(path, width).then(
        (measured) => wanted && (size.value = measured),
        // The beginning is printed then.
        () => undefined,
      )
    }, settleMilliseconds)
    return () => {
      wanted = false
      clearTimeout(timer)
    }
  }, [path, width])
  return size.value
}

export function Preview({ id, subject }: { id: string; subject: string }): JSX.Element {
  const html = apiPath(`/messages/${id}/html`)
  const path = `${html}${remote.value ? '?remote=1' : ''}`
  const frame = useRef<HTMLIFrameElement>(null)
  const shown = useSignal('')
  const paper = usePaperSize(shown.value === path ? html : null)
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
        <ScreenshotButton id={id} subject={subject} width={() => frame.current?.clientWidth ?? 800} />
        <Button
          size="small"
          icon={remote.value ? 'eye' : 'eye-off'}
          aria-pressed={remote.value}
          onClick={() => (remote.value = !remote.value)}
        >
          {remote.value ? 'Remote content is loaded' : 'Load remote content'}
        </Button>
      </div>
      <div
        class={`device device-${device.value}`}
        style={
          paper === null ? {} : { '--paper-width': `${paper.width}px`, '--paper-height': `${paper.height}px` }
        }
      >
        <iframe
          ref={frame}
          key={path}
          onLoad={() => (shown.value = path)}
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
