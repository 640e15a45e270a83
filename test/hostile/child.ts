/**
 * A program of this folder in a process of its own, talked to over IPC: what it says is kept until it is asked for. Its end is ours to notice: whoever is
 * asked and gone has failed.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export class Child {
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #said: unknown[] = []
  #wake = (): void => {}

  constructor(file: string, args: readonly string[] = []) {
    const path = fileURLToPath(new URL(file, import.meta.url))
    this.#process = fork(path, args, { execArgv: ['--import', 'tsx', '--expose-gc'] })
    this.#ended = once(this.#process, 'exit')
    this.#ended.then(() => this.#wake()).catch(() => {})
    this.#process.on('message', message => {
      this.#said.push(message)
      this.#wake()
    })
  }

  tell(message: unknown): void {
    this.#process.send(message as object)
  }

  async next(): Promise<unknown> {
    while (this.#said.length === 0) {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null)
        throw new Error('a process has ended that should serve')
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.#said.shift()
  }

  ask(question: unknown): Promise<unknown> {
    this.tell(question)
    return this.next()
  }

  async end(): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill('SIGKILL')
    await this.#ended
  }
}
