/**
 * How long processes were ready to run and had no processor, as the kernel counts it for their main threads: on a machine that others use too, most of a
 * long answer is that, and nothing of it is the server's doing. Where there is no such count (it is Linux's) it is 0.
 */
import { openSync, readSync } from 'node:fs'

export class ProcessorWait {
  readonly #counts: readonly number[]
  readonly #buffer = Buffer.alloc(100)

  constructor(pids: readonly number[]) {
    this.#counts = pids.flatMap(opened)
  }

  /** So far, all of them together. */
  get ms(): number {
    return this.#counts.reduce((sum, file) => sum + this.#read(file), 0)
  }

  #read(file: number): number {
    const length = readSync(file, this.#buffer, 0, this.#buffer.length, 0)
    const [, waitedNs] = this.#buffer.toString('latin1', 0, length).split(' ')
    return Number(waitedNs) / 1e6
  }
}

function opened(pid: number): number[] {
  try {
    return [openSync(`/proc/${pid}/schedstat`, 'r')]
  } catch {
    return []
  }
}
