// Who one writes as: names and signatures for the addresses one may send from (RFC 8621 §6).
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { checkSet, type JmapClient } from '../shared/jmap/client.ts'
import type { GetResponse, Identity, SetResponse } from '../shared/jmap/types.ts'
import { EditorFrame, type EditorHandle } from '../shared/mail/editor-frame.tsx'
import { HtmlMail } from '../shared/mail/html-mail.tsx'
import { htmlToText, sendableFragment, textToHtml } from '../shared/mail/html-text.ts'
import { Stamp } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { confirm, Dialog } from '../shared/ui/dialog.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { Failed, Skeleton } from '../shared/ui/states.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useLoaded } from './load.ts'
import { Heading } from './heading.tsx'

export function Identities({ client }: { client: JmapClient }): JSX.Element {
  const { value, error, reload } = useLoaded(() =>
    client.call<GetResponse<Identity>>('Identity/get', { ids: null }),
  )
  const editing = useSignal<Identity | 'new' | null>(null)
  const remove = async (identity: Identity): Promise<void> => {
    const sure = await confirm({
      title: `No longer write as ${identity.email}?`,
      text: 'Its name and signature are forgotten.',
      confirm: 'Remove',
      danger: true,
    })
    if (!sure) return
    try {
      checkSet(await client.call<SetResponse>('Identity/set', { destroy: [identity.id] }))
      reload()
    } catch (failure) {
      toastError(failure)
    }
  }
  return (
    <>
      <Heading
        title="Writing as"
        about="The names and signatures that stand on what you send."
        action={{ label: 'Add', run: () => (editing.value = 'new') }}
      />
      {error !== null ? <Failed title="They could not be loaded" reason={error} retry={reload} /> : null}
      {value === null && error === null ? <Skeleton /> : null}
      {(value?.list ?? []).map((identity) => (
        <section key={identity.id} class="card identity">
          <Stamp name={identity.name} email={identity.email} size={48} />
          <div class="grow stack stack-s">
            <h2 class="cut">{identity.name === '' ? identity.email : identity.name}</h2>
            <p class="soft">{identity.email}</p>
            <Signature identity={identity} />
          </div>
          <span class="row">
            <IconButton
              icon="draft"
              label={`Change ${identity.email}`}
              onClick={() => (editing.value = identity)}
            />
            {identity.mayDelete ? (
              <IconButton
                icon="trash"
                label={`Remove ${identity.email}`}
                onClick={() => void remove(identity)}
              />
            ) : null}
          </span>
        </section>
      ))}
      {editing.value === null ? null : (
        <EditIdentity
          client={client}
          identity={editing.value === 'new' ? null : editing.value}
          onClose={() => (editing.value = null)}
          onSaved={() => {
            editing.value = null
            reload()
          }}
        />
      )}
    </>
  )
}

function Signature({
  identity: { textSignature, htmlSignature, email },
}: {
  identity: Identity
}): JSX.Element {
  if (htmlSignature !== '') {
    return (
      <div class="signature">
        <HtmlMail title={`Signature of ${email}`} html={htmlSignature} remote={false} />
      </div>
    )
  }
  return textSignature === '' ? (
    <p class="faint small">No signature</p>
  ) : (
    <pre class="signature">{textSignature}</pre>
  )
}

function signatureHtml(identity: Identity | null): string {
  if (identity === null) return ''
  return identity.htmlSignature === '' ? textToHtml(identity.textSignature) : identity.htmlSignature
}

/** Without any format it is text alone: so it stands in plain messages as it was written. */
function signatureOf(html: string): Pick<Identity, 'textSignature' | 'htmlSignature'> {
  const textSignature = htmlToText(html)
  const isPlain = !/<(?!\/|div>|br>|div class="[^"]*">)/i.test(html)
  return { textSignature, htmlSignature: isPlain ? '' : sendableFragment(html, new Map()) }
}

interface EditProps {
  readonly client: JmapClient
  readonly identity: Identity | null
  readonly onClose: () => void
  readonly onSaved: () => void
}

function EditIdentity({ client, identity, onClose, onSaved }: EditProps): JSX.Element {
  const name = useSignal(identity?.name ?? '')
  const email = useSignal(identity?.email ?? client.session.username)
  const signature = useSignal(signatureHtml(identity))
  const editor = useRef<EditorHandle>(null)
  const problem = useSignal<string | undefined>(undefined)
  const save = async (): Promise<void> => {
    await editor.current?.flush()
    const value = { name: name.value.trim(), ...signatureOf(signature.value) }
    const change =
      identity === null
        ? { create: { new: { ...value, email: email.value.trim() } } }
        : { update: { [identity.id]: value } }
    try {
      checkSet(await client.call<SetResponse>('Identity/set', change))
      toast('Saved')
      onSaved()
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error)
    }
  }
  return (
    <Dialog
      title={identity === null ? 'Another name or address' : identity.email}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" onClick={() => void save()}>
            Save
          </Button>
        </>
      }
    >
      <TextField
        label="Name"
        value={name.value}
        onInput={(text) => (name.value = text)}
        autofocus
        hint="As others see it."
      />
      {identity === null ? (
        <TextField
          label="Address"
          type="email"
          value={email.value}
          onInput={(text) => (email.value = text)}
          problem={problem.value}
          hint="One that you may send from: your own, or an alias of yours."
        />
      ) : null}
      <div class="field">
        <span class="label">Signature</span>
        <div class="editor-field">
          <EditorFrame
            title="Signature"
            html={signature.value}
            quote={null}
            focus={false}
            handle={editor}
            onOpened={(html) => (signature.value = html)}
            onChange={(html) => (signature.value = html)}
            onFiles={() => toast('Pictures cannot stand in a signature')}
            onKey={({ key }) => (key === 'Enter' ? void save() : onClose())}
          />
        </div>
      </div>
      {identity !== null && problem.value !== undefined ? <p class="small">{problem.value}</p> : null}
    </Dialog>
  )
}
