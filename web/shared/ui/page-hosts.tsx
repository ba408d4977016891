// What every page holds once: toasts, questions, the tooltip, the overview of keys, the live region.
import type { JSX } from 'preact'
import { ConfirmHost } from './dialog.tsx'
import { KeysHelp } from './help.tsx'
import { LiveRegion } from './live.tsx'
import { Toaster } from './toast.tsx'
import { TooltipHost } from './tooltip.tsx'

export function PageHosts(): JSX.Element {
  return (
    <>
      <ConfirmHost />
      <KeysHelp />
      <Toaster />
      <LiveRegion />
      <TooltipHost />
    </>
  )
}
