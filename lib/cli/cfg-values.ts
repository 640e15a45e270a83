/**
 * The values of a ZooKeeper configuration file, by key, with or without `zookeeper.` in front. What is asked for is known; what makes no sense is a
 * complaint, and asked for again, another one.
 * Before: zoo-cfg.ts and the files that read a part of it (cfg-members.ts, cfg-client-port.ts).
 */
const PREFIX = 'zookeeper.'

export class CfgValues {
  readonly complaints: string[] = []
  readonly warnings: string[] = []
  readonly #properties = new Map<string, string>()
  readonly #known = new Set<string>()

  constructor(properties: ReadonlyMap<string, string>) {
    for (const [key, value] of properties)
      this.#properties.set(key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key, value)
  }

  text(key: string): string | undefined {
    this.#known.add(key)
    const value = this.#properties.get(key)
    return value === '' ? undefined : value
  }

  /** A whole number. */
  number(key: string): number | undefined {
    return this.#numeric(key, Number.isSafeInteger, 'whole number')
  }

  /** One that may have a fraction. */
  fraction(key: string): number | undefined {
    return this.#numeric(key, Number.isFinite, 'number')
  }

  flag(key: string): boolean | undefined {
    const value = this.text(key)?.toLowerCase()
    return value === undefined ? undefined : value === 'true' || value === 'yes'
  }

  list(key: string): readonly string[] | undefined {
    return this.text(key)
      ?.split(',')
      .map(each => each.trim())
      .filter(each => each !== '')
  }

  /** All that begin with this and a dot; their keys have what follows. */
  *of(prefix: string): Generator<readonly [string, string]> {
    for (const [key, value] of this.#properties) {
      if (!key.startsWith(`${prefix}.`)) continue
      this.#known.add(key)
      yield [key.slice(prefix.length + 1), value]
    }
  }

  /** Keys that nobody has asked for. */
  get unknown(): readonly string[] {
    return [...this.#properties.keys()].filter(key => !this.#known.has(key))
  }

  #numeric(key: string, isFit: (value: number) => boolean, what: string): number | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    const number = Number(value)
    if (isFit(number)) return number
    this.complaints.push(`${key}=${value} is no ${what}`)
    return undefined
  }
}

/** Without what was not given. */
export function given<T extends object>(values: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>
}
