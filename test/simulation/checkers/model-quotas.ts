/**
 * Quotas as the documentation tells them, over the model's znodes: after every change the statistics of the deepest path with limits are written anew.
 * Knows nothing of lib/core/tree/quotas.ts, nor of its text: it takes apart and puts together by regular expressions.
 */
import type { ModelZnode } from './model-tree.js'

const ROOT = '/zookeeper/quota'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

type Data = Uint8Array | null | undefined

export class ModelQuotas {
  readonly #znodes: () => ReadonlyMap<string, ModelZnode>
  readonly #write: (path: string, data: Uint8Array, at: number) => void

  constructor(
    znodes: () => ReadonlyMap<string, ModelZnode>,
    write: (path: string, data: Uint8Array, at: number) => void,
  ) {
    this.#znodes = znodes
    this.#write = write
  }

  /** Statistics begin with a count of everything below. */
  created(path: string, at: number): void {
    const [, root] = /^\/zookeeper\/quota(\/.+)\/zookeeper_stats$/.exec(path) ?? []
    if (root === undefined) return
    const inside = [...this.#znodes()].filter(([each]) => each === root || each.startsWith(`${root}/`))
    const bytes = inside.reduce((sum, [, { data }]) => sum + (data?.length ?? 0), 0)
    this.#write(path, encoder.encode(`count=${inside.length},bytes=${bytes}`), at)
  }

  add(path: string, count: number, bytes: number, at: number): void {
    const [quota] = this.#above(path).filter(each => this.#znodes().has(`${ROOT}${each}/zookeeper_limits`))
    const statistics = `${ROOT}${quota}/zookeeper_stats`
    const znode = this.#znodes().get(statistics)
    if (znode === undefined) return
    const text = textOf(znode.data)
    const further = text.split(/[,;]/).filter(pair => /^\w+=-?\d+/.test(pair) && !/^(count|bytes)=/.test(pair))
    const tail =
      further.length === 0
        ? ''
        : `=;${further
            .map(pair => pair.replace(/=$/, ''))
            .sort()
            .join(';')}`
    const numbers = `count=${numberOf(text, 'count') + count},bytes=${numberOf(text, 'bytes') + bytes}`
    this.#write(statistics, encoder.encode(numbers + tail), at)
  }

  /** With any limits and any statistics of `states` of each. */
  mayForbid(path: string, count: number, bytes: number, states: (path: string) => readonly Data[]): boolean {
    for (const quota of this.#above(path)) {
      for (const limits of states(`${ROOT}${quota}/zookeeper_limits`).map(textOf)) {
        const [countMost, bytesMost] = [numberOf(limits, 'countHardLimit'), numberOf(limits, 'byteHardLimit')]
        for (const used of states(`${ROOT}${quota}/zookeeper_stats`).map(textOf)) {
          if (count > 0 && countMost >= 0 && numberOf(used, 'count') + count > countMost) return true
          if (bytesMost >= 0 && numberOf(used, 'bytes') + bytes > bytesMost) return true
        }
      }
    }
    return false
  }

  /** The deepest first. */
  #above(path: string): string[] {
    const names = path.split('/').slice(1)
    return names.map((_, index) => `/${names.slice(0, names.length - index).join('/')}`)
  }
}

function textOf(data: Data): string {
  return decoder.decode(data ?? new Uint8Array(0))
}

function numberOf(text: string, name: string): number {
  return Number(new RegExp(`(?:^|[,;])${name}=(-?\\d+)`).exec(text)?.[1] ?? -1)
}
