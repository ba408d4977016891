// One tooltip for the whole page: whatever has `data-tip` gets it, by pointer or by keyboard focus. It repeats what screen readers
// know already (`aria-label`), so it is hidden from them.
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'

const delay = 450

interface Tip {
  readonly text: string
  readonly key: string
  readonly target: Element
}

/** Where the tooltip lives: once a page. */
export function TooltipHost(): JSX.Element {
  const ref = useRef<HTMLDivElement>(null)
  const tip = useSignal<Tip | null>(null)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = (target: Element): void => {
      const text = target.getAttribute('data-tip') ?? ''
      if (text !== '') tip.value = { text, key: target.getAttribute('data-tip-key') ?? '', target }
    }
    const hide = (): void => {
      clearTimeout(timer)
      tip.value = null
    }
    const over = (event: PointerEvent): void => {
      const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null
      if (event.pointerType !== 'mouse' || target === tip.peek()?.target) return
      hide()
      if (target !== null) timer = setTimeout(() => show(target), delay)
    }
    const focus = (event: FocusEvent): void => {
      const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null
      if (target?.matches(':focus-visible') === true) show(target)
    }
    const abort = new AbortController()
    const options = { signal: abort.signal, passive: true }
    document.addEventListener('pointerover', over, options)
    document.addEventListener('pointerdown', hide, options)
    document.addEventListener('focusin', focus, options)
    document.addEventListener('focusout', hide, options)
    document.addEventListener('scroll', hide, { ...options, capture: true })
    document.addEventListener('keydown', hide, options)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [])
  const shown = tip.value
  useEffect(() => {
    const element = ref.current
    if (element === null) return
    if (shown === null) {
      element.hidePopover()
      return
    }
    element.showPopover()
    const at = shown.target.getBoundingClientRect()
    const { offsetWidth: width, offsetHeight: height } = element
    const below = at.bottom + 6 + height < window.innerHeight
    element.style.top = `${below ? at.bottom + 6 : at.top - height - 6}px`
    const left = at.left + at.width / 2 - width / 2
    element.style.left = `${Math.max(6, Math.min(left, window.innerWidth - width - 6))}px`
  }, [shown])
  return (
    <div ref={ref} class="tip no-print" popover="manual" aria-hidden="true">
      {shown?.text}
      {shown === null || shown.key === '' ? null : <kbd>{shown.key}</kbd>}
    </div>
  )
}
