/** Prints lines; on a terminal it keeps the members' status below them, without one it prints the status when it says something new. */
export class Screen {
  readonly #out: NodeJS.WriteStream
  #status: readonly string[] = []
  #drawn = 0
  #told = ''

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  line(text: string): void {
    this.#erase()
    this.#out.write(`${new Date().toISOString().slice(11, 23)}  ${text}\n`)
    this.#draw()
  }

  /** `news`: what must change for plain lines to be printed again. */
  status(lines: readonly string[], news: string): void {
    this.#status = lines
    if (this.#out.isTTY) {
      this.#erase()
      this.#draw()
    } else if (news !== this.#told) {
      this.#told = news
      for (const line of lines) this.line(line)
    }
  }

  #draw(): void {
    if (!this.#out.isTTY) return
    const width = this.#out.columns ?? 80
    for (const line of this.#status) this.#out.write(`${line.slice(0, width - 1)}\n`)
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
