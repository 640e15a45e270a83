/**
 * D2: after the first failed write, sync or read nobody knows what is on disk, so the store does nothing any more; only reopening tells.
 * One FailStop is shared by all parts of a store. It also turns what LevelDB and the file system throw into our codes.
 */
import { hasCode, ZooKeeperError } from '../../model/errors.js'
import { InvariantViolation } from '../../model/invariant.js'

export class FailStop {
  #failure: ZooKeeperError | undefined

  get failed(): boolean {
    return this.#failure !== undefined
  }

  /** Throws STORAGE_FAILED once something has failed. */
  check(): void {
    if (this.#failure === undefined) return
    const why = `the store has stopped, reopen it: ${reasonOf(this.#failure)}`
    throw new ZooKeeperError('STORAGE_FAILED', why, { outcome: 'not-applied', cause: this.#failure })
  }

  /** Does durable work; whatever it throws is the end of this store, except a bug of the caller or a refusal to read. */
  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.check()
    try {
      return await work()
    } catch (error) {
      throw this.fail(what, error)
    }
  }

  fail(what: string, error: unknown): unknown {
    const harmless = ['HISTORY_PURGED', 'HISTORY_CONFLICT', 'CLOSED'] as const
    if (error instanceof InvariantViolation || harmless.some(code => hasCode(error, code))) return error
    const failure = asStorageError(what, error)
    this.#failure ??= failure
    return failure
  }
}

/** What an error says, without the code in front: it will be part of another message. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return error instanceof ZooKeeperError ? text.slice(error.code.length + 2) : text
}

export function asStorageError(what: string, error: unknown): ZooKeeperError {
  if (error instanceof ZooKeeperError) return error
  const cause = levelCause(error)
  // A table that was cut short: LevelDB reads beyond its end, and says EINVAL.
  const cut = cause?.code === 'LEVEL_IO_ERROR' && /\.ldb: Invalid argument/.test(cause.message)
  const code = cut || cause?.code === 'LEVEL_CORRUPTION' ? 'DATA_CORRUPT' : 'STORAGE_FAILED'
  const why = cause?.message ?? reasonOf(error)
  return new ZooKeeperError(code, `${what}: ${why}`, { outcome: 'unknown', cause: error })
}

/** LevelDB's own error, which `level` wraps when opening. */
export function levelCause(error: unknown): { readonly code: string; readonly message: string } | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const code = (at as { code?: unknown }).code
    if (typeof code === 'string' && code.startsWith('LEVEL_') && code !== 'LEVEL_DATABASE_NOT_OPEN') {
      return { code, message: at.message }
    }
  }
  return undefined
}
