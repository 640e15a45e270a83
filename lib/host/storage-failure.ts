/** The one input that a failed storage effect becomes (D2): the core answers it with `stop`. */
import type { Input } from '../core/input.js'
import { ZooKeeperError } from '../model/errors.js'

export function storageFailed(error: unknown): Input {
  const code = error instanceof ZooKeeperError ? error.code : 'STORAGE_FAILED'
  return { kind: 'storageFailed', code, reason: error instanceof Error ? error.message : String(error) }
}
