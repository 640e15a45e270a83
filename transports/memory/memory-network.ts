/**
 * The place where in-process peers find each other by name. A value, not a global: two networks never meet, so tests and
 * applications can hold as many as they like.
 * Before: the application makes one. After: memory-transport.ts registers its name in it.
 */
import type { MemoryLink } from './memory-link.js'

/** What a listening transport leaves in the network. */
export interface MemoryListener {
  accept(link: MemoryLink): void
  /** An accepted link has closed. */
  forget(link: MemoryLink): void
}

/** Opaque: make it with `memoryNetwork()` and give it to `memory()`. */
export interface MemoryNetwork {
  /** For the transports: who accepts under a name. */
  readonly listeners: Map<string, MemoryListener>
}

/** @example const network = memoryNetwork(); const one = memory({ network, name: '1' }) */
export function memoryNetwork(): MemoryNetwork {
  return { listeners: new Map() }
}
