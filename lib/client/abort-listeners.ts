/**
 * Many calls may share one AbortSignal, of one client or of many: it gets one listener of ours, however many wait for it. With one listener per
 * call, Node warns on the application's console of a leak from the eleventh on.
 *
 * Always holds: a signal that nobody waits for any more has no listener of ours; one that has gone is not held (the map is weak).
 * Before: session.ts, host/peer.ts.
 */
interface Waiting {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const signals = new WeakMap<AbortSignal, Waiting>()

/** Calls back, once, when the signal aborts; the callback must not throw. Returns how to stop that. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const waiting = signals.get(signal) ?? listen(signal)
  // The same function may wait twice.
  const called = (): void => callback()
  waiting.callbacks.add(called)
  return () => {
    if (!waiting.callbacks.delete(called) || waiting.callbacks.size > 0) return
    signal.removeEventListener('abort', waiting.listener)
    if (signals.get(signal) === waiting) signals.delete(signal)
  }
}

function listen(signal: AbortSignal): Waiting {
  const callbacks = new Set<() => void>()
  const listener = (): void => {
    for (const callback of [...callbacks]) callback()
  }
  const waiting = { callbacks, listener }
  signal.addEventListener('abort', listener)
  signals.set(signal, waiting)
  return waiting
}
