/**
 * Internet addresses as bytes: what an `ip` entry of an ACL is compared by. Texts only: no names are looked up, no zone is known.
 * IPv4 numbers are read as Java's Integer.parseInt reads them (`010` is ten, not eight), since ACLs of ZooKeeper were accepted so.
 */

/** 4 or 16 bytes; undefined for what is no address. */
export function parseAddress(text: string): readonly number[] | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

/** As Java shows it, and so as real clients and ACLs have it: no `::`, and the IPv4 address itself instead of one mapped to IPv6. */
export function formatAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  if (isMapped(bytes)) return bytes.slice(12).join('.')
  return Array.from({ length: 8 }, (_, at) => (bytes[2 * at]! * 256 + bytes[2 * at + 1]!).toString(16)).join(':')
}

/** Whether both begin with the same `bits`. Addresses of different length never do. */
export function samePrefix(a: readonly number[], b: readonly number[], bits: number): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at * 8 < bits; at++) {
    const left = bits - at * 8
    const mask = left >= 8 ? 0xff : (0xff00 >> left) & 0xff
    if ((a[at]! & mask) !== (b[at]! & mask)) return false
  }
  return true
}

function parseV4(text: string): number[] | undefined {
  const bytes = text.split('.', 5).map(parseNumber)
  return bytes.length === 4 && bytes.every(byte => byte >= 0 && byte <= 255) ? bytes : undefined
}

/** NaN for what is no whole number. */
export function parseNumber(text: string): number {
  return text.length <= 11 && /^[+-]?\d+$/.test(text) ? Number(text) + 0 : Number.NaN
}

function parseV6(text: string): number[] | undefined {
  const halves = text.split('::', 3)
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, at) => groupsOf(half, at === halves.length - 1))
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  if (halves.length === 1) return head.length === 16 ? head : undefined
  const missing = 16 - head.length - tail!.length
  return missing < 2 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...tail!]
}

/** Bytes of `1:2:3`; the last group may be an IPv4 address. */
function groupsOf(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':', 9)
  for (const [at, group] of groups.entries()) {
    if (isLast && at === groups.length - 1 && group.includes('.')) {
      const v4 = parseV4(group)
      if (v4 === undefined) return undefined
      bytes.push(...v4)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    }
  }
  return bytes.length <= 16 ? bytes : undefined
}

function isMapped(bytes: readonly number[]): boolean {
  return bytes.every((byte, at) => at >= 12 || byte === (at >= 10 ? 0xff : 0))
}
