/** Prints lines; on a terminal it keeps the members' status below them, without one it prints a status line when it says something new. */
export interface StatusLine {
  readonly text: string
  /** What must change for a plain line to be printed again. */
  readonly news: string
}

export class Screen {
  readonly #out: NodeJS.WriteStream
  #status: readonly StatusLine[] = []
  #drawn = 0
  #told: readonly string[] = []

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  line(text: string): void {
    this.#erase()
    this.#out.write(`${new Date().toISOString().slice(11, 23)}  ${text}\n`)
    this.#draw()
  }

  status(lines: readonly StatusLine[]): void {
    this.#status = lines
    if (this.#out.isTTY) {
      this.#erase()
      this.#draw()
      return
    }
    const told = this.#told
    this.#told = lines.map(line => line.news)
    for (const [index, { text, news }] of lines.entries()) if (news !== told[index]) this.line(text)
  }

  /** No status any more: lines only. */
  end(): void {
    this.#erase()
    this.#status = []
  }

  #draw(): void {
    if (!this.#out.isTTY) return
    const width = this.#out.columns || 80
    for (const { text } of this.#status) this.#out.write(`${text.slice(0, width - 1)}\n`)
    this.#drawn = this.#status.length
  }

  #erase(): void {
    if (!this.#out.isTTY || this.#drawn === 0) return
    this.#out.moveCursor(0, -this.#drawn)
    this.#out.cursorTo(0)
    this.#out.clearScreenDown()
    this.#drawn = 0
  }
}
