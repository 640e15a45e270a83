/**
 * Any state as a text: equal texts mean states that nothing can tell apart. Everything that an object holds is in it, by value, in order
 * (the order of a Map may matter); an instance of a class that was met before is named by its number, which ends cycles. Functions are left
 * out: those of the core hold nothing but other parts of the core.
 */
import { createHash } from 'node:crypto'

/** Never change while a peer lives, or say nothing about it. */
const CONSTANT = new Set(['__initial', '__options', 'options', 'random', 'config'])

export function describe(root: unknown): string {
  const parts: string[] = []
  const seen = new Map<object, number>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) {
      if (typeof value !== 'function') parts.push(typeof value === 'bigint' ? `${value}n` : String(value), ',')
      return
    }
    if (value instanceof Uint8Array) {
      parts.push('<', Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1'), '>')
      return
    }
    if (Array.isArray(value)) {
      parts.push('[')
      for (const each of value) visit(each)
      parts.push(']')
      return
    }
    if (value instanceof Map) {
      parts.push('M[')
      for (const [key, each] of value) {
        visit(key)
        visit(each)
      }
      parts.push(']')
      return
    }
    if (value instanceof Set) {
      parts.push('S[')
      for (const each of value) visit(each)
      parts.push(']')
      return
    }
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) {
      const number = seen.get(value)
      if (number !== undefined) {
        parts.push('&', String(number))
        return
      }
      seen.set(value, seen.size)
      parts.push(prototype.constructor.name)
    }
    parts.push('{')
    for (const name in value) {
      if (CONSTANT.has(name) || !Object.hasOwn(value, name)) continue
      const field = (value as Record<string, unknown>)[name]
      if (typeof field === 'function' || field === undefined) continue
      parts.push(name, ':')
      visit(field)
    }
    parts.push('}')
  }
  visit(root)
  return parts.join('')
}

/** Short for a text: 96 bits. */
export function digest(text: string): string {
  return createHash('sha1').update(text).digest('base64').slice(0, 16)
}
