/**
 * Many calls may share one AbortSignal: it gets one listener of ours, however many wait for it. With one listener per call, Node warns
 * on the application's console of a leak from the eleventh on.
 *
 * Always holds: a signal that nobody waits for any more has no listener of ours. Before: session.ts.
 */
interface Waiting {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

export class AbortListeners {
  readonly #signals = new Map<AbortSignal, Waiting>()

  /** Calls back when the signal aborts. Returns how to stop that. */
  add(signal: AbortSignal, callback: () => void): () => void {
    const waiting = this.#signals.get(signal) ?? this.#listen(signal)
    waiting.callbacks.add(callback)
    return () => {
      if (!waiting.callbacks.delete(callback) || waiting.callbacks.size > 0) return
      signal.removeEventListener('abort', waiting.listener)
      this.#signals.delete(signal)
    }
  }

  #listen(signal: AbortSignal): Waiting {
    const callbacks = new Set<() => void>()
    const listener = (): void => {
      for (const callback of [...callbacks]) callback()
    }
    const waiting = { callbacks, listener }
    signal.addEventListener('abort', listener)
    this.#signals.set(signal, waiting)
    return waiting
  }
}
